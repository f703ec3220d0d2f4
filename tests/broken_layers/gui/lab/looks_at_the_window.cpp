#include "gui/main_window.h"
