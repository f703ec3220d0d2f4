#include "gui/runs/run_list.h"
