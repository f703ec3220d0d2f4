#include "engine/training/executor.h"
