// Planning: the profile that a plan needs, stored or measured.
#pragma once

#include "cli/context.h"
#include "experiment/experiment.h"
#include "schedule/plan.h"

#include <string>
#include <vector>

namespace pipebd::cli {

/// Measures, for the batch sizes of `further` too, shows how far it has come, and stores the profile in the lab.
schedule::Profile measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices, const std::vector<std::int64_t>& further = {});

/// The stored profile of this pair, batch, dtype and these devices, if there is one; else measured_profile().
schedule::Profile stored_or_measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices);

/// The profile in the file `name`, or, if there is no such file, the stored one of that id.
schedule::Profile profile_named(const Context& context, const std::string& name);

/// The same; throws Error{BadRequest} if it is of another pair or batch than the experiment.
schedule::Profile profile_named(const Context& context, const std::string& name, const experiment::Experiment& experiment);

/// The plan of the stages that `run` places by hand, which there are.
schedule::Plan plan_by_hand(const experiment::Run& run, const schedule::Costs& costs);

/// The plan of `strategies`. Throws Error{BadRequest} if none of them can run on `devices`.
schedule::Plan possible_plan(
    const schedule::Costs& costs, const std::vector<std::string>& strategies, const std::vector<experiment::Device>& devices);

} // namespace pipebd::cli
