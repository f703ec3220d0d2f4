// Planning: the profile that a plan needs, stored or measured.
#pragma once

#include "cli/context.h"
#include "experiment/experiment.h"
#include "schedule/plan.h"

#include <optional>
#include <string>
#include <vector>

namespace pipebd::cli {

/// Measures, for the batch sizes of `further` too, shows how far it has come, and stores the profile in the lab.
schedule::Profile measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices, const std::vector<std::int64_t>& further = {});

/// The stored profile of this pair, batch, dtype and these devices, if there is one.
std::optional<schedule::Profile> stored_profile(
    const store::Lab& lab, const experiment::Experiment& experiment, const std::vector<experiment::Device>& devices);

/// The same, which is told; else measured_profile().
schedule::Profile stored_or_measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices);

/// A profile, and the devices that it was measured on.
struct ProfileOf {
    schedule::Profile profile;
    std::vector<experiment::Device> devices;
};

/// Of what the lab keeps of this pair, batch, dtype, machine and the like: the profile of these devices; else, if they are alike,
/// of devices of their kind: of the fewest that are no fewer than these, or else of the most. Nothing is measured.
std::optional<ProfileOf> nearest_stored_profile(const Context& context, const store::Lab& lab,
    const experiment::Experiment& experiment, const std::vector<experiment::Device>& devices);

/// What a plan for `devices`, which need not be here, is made from. If all are here: the stored profile of them, or else they are
/// measured. If not: nearest_stored_profile(), or else two at most of those that are here are measured, for the smallest part of a
/// batch that one of `devices` may get, too.
ProfileOf profile_to_plan_with(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices);

/// The profile in the file `name`, or, if there is no such file, the stored one of that id.
schedule::Profile profile_named(const Context& context, const std::string& name);

/// The same, which interpolates; throws Error{BadRequest} if it is of another pair or batch than the experiment, and warns if it is
/// of another dtype.
schedule::Profile profile_named(const Context& context, const std::string& name, const experiment::Experiment& experiment);

/// The command that measures `missing`, for an experiment of the profile's pair, batch and dtype. `missing` is not empty.
std::string command_to_measure(const schedule::ProfileSizes& missing);

/// The stages that `run` places by hand, which there are, and the plan of them.
schedule::Schedule schedule_by_hand(const experiment::Run& run, const schedule::Costs& costs);
schedule::Plan plan_by_hand(const experiment::Run& run, const schedule::Costs& costs);

/// The plan of `strategies`. Throws Error{BadRequest} if none of them can run on `devices`.
schedule::Plan possible_plan(
    const schedule::Costs& costs, const std::vector<std::string>& strategies, const std::vector<experiment::Device>& devices);

} // namespace pipebd::cli
