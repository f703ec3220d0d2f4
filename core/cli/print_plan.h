// How plans and profiles look on a terminal.
#pragma once

#include "schedule/plan.h"

#include <string>

namespace pipebd::cli {

/// A row per strategy, marked where it rests on interpolated times; below, a line on those, with the command `to_measure` if it is
/// given, one for each strategy that needs more memory than there is, and one for each that cannot run, with why.
std::string plan_table(const schedule::Plan& plan, const std::string& to_measure = {});

/// A line for each strategy that cannot run, with why.
std::string impossible_ones(const schedule::Plan& plan);

/// The whole plan: what it rests on, the table, what each strategy wastes and how it was decided, the ranked candidates.
std::string plan_text(const schedule::Plan& plan, const std::string& to_measure = {});

/// The programs of the strategies that can run, in text form, each under its name if there are several.
std::string programs_text(const schedule::Plan& plan);

/// A row a block, for the whole batch.
std::string profile_table(const schedule::Profile& profile);

} // namespace pipebd::cli
