// Schedules of the strategies that train block by block (systems of DNA, Blakeney et al., Pipe-BD).
#pragma once

#include "schedule/costs.h"
#include "schedule/schedule.h"
#include "schedule/strategies.h"

#include <vector>

namespace pipebd::schedule {

// Each completes `named`, a schedule with its strategy, blocks, devices and batch filled in.

Schedule single_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// One stage of all devices: dp and ir.
Schedule one_stage_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// ls: a task a block, the longest first to the device that is free the soonest.
Schedule packed_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// ls-steal: a task a block in their order, each taken by the device that has finished first.
Schedule stolen_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// tr, tr+dpu: the best stages of one device each.
Schedule relay_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// tr+dpu+ahd: the best stages of any width.
Schedule hybrid_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

// Milliseconds of each stage for one batch.

/// Stages that work at the same time, each on its part of every batch.
std::vector<double> relayed_stage_costs(const Schedule& schedule, const Costs& costs);

/// Stages that load the data and run the teacher up to each of their blocks, one block after another.
std::vector<double> repeated_stage_costs(const Schedule& schedule, const Costs& costs);

} // namespace pipebd::schedule
