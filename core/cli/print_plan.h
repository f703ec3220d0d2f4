// How plans and profiles look on a terminal.
#pragma once

#include "schedule/plan.h"

#include <string>

namespace pipebd::cli {

/// A row a strategy; one that cannot run says why.
std::string plan_table(const schedule::Plan& plan);

/// A row a block, for the whole batch.
std::string profile_table(const schedule::Profile& profile);

} // namespace pipebd::cli
