// Schedules of the strategies that train end to end (TSPipe and what it is compared with).
#pragma once

#include "schedule/costs.h"
#include "schedule/schedule.h"
#include "schedule/strategies.h"

#include <vector>

namespace pipebd::schedule {

// Each completes `named`, a schedule with its strategy, blocks, devices and batch filled in.

/// ddp: both networks whole on every device, each takes its part of the batch.
Schedule replicated_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// mp: the blocks spread over the devices, one batch at a time.
Schedule spread_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// gpipe, 1f1b: the best number of microbatches, the teacher inline.
Schedule gpipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);
Schedule one_forward_one_backward_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// tspipe-published: the published order and sizes.
Schedule published_tspipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// tspipe: the order, microbatches, backward parts, teacher pieces in the hole and batches ahead with the shortest simulated
/// period.
Schedule tspipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options);

/// Milliseconds that each stage computes for one batch.
std::vector<double> pipeline_stage_costs(const Schedule& schedule, const Costs& costs);

} // namespace pipebd::schedule
