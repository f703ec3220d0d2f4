// Breaks a dependency rule on purpose: tests/check_layers.sh must find it.
#include "../store/lab.h"
