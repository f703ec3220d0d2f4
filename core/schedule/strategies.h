// Strategies: from a profile and the devices of a cluster to a schedule, and from a schedule to a program.
#pragma once

#include "schedule/costs.h"
#include "schedule/folded_program.h"
#include "schedule/program.h"
#include "schedule/schedule.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

/// Of end-to-end strategies; what is not given is searched (microbatches, backward_split) or that of distillation: one view, a
/// frozen teacher; a momentum teacher where there are two views.
struct PipelineOptions {
    std::optional<int> microbatches;
    std::optional<int> backward_split;
    std::optional<int> views;
    std::optional<Teacher> teacher;
};

struct PlanningOptions {
    PipelineOptions pipeline;
    bool exhaustive = false; // walk all candidates of a search instead of the exact one
    std::size_t ranked = 0; // and list so many of the best
};

/// Names as on the command line: "single", "dp", "tr+dpu", ..., all, those that train block by block, those that train end to end.
std::span<const std::string_view> strategy_names();
std::span<const std::string_view> blockwise_strategy_names();
std::span<const std::string_view> end_to_end_strategy_names();

/// `name`, or what it is another name of ("pipe-bd" is "tr+dpu+ahd"). Throws Error{BadRequest} that lists the names if there is no
/// such strategy.
std::string_view strategy_named(std::string_view name);

bool is_end_to_end(std::string_view strategy);

/// Whether it has stages that may be placed by hand (schedule_by_hand()).
bool may_be_placed(std::string_view strategy);

/// Those that may be.
std::vector<std::string_view> placeable_strategy_names();

/// Best schedule of `strategy`. A strategy that cannot run here is an answer (feasible = false), not an error;
/// a name that is not known is Error{BadRequest} that lists the names.
Schedule make_schedule(std::string_view strategy, const Costs& costs, const PlanningOptions& options = {});

/// What runs stages that were placed by hand, of any width.
inline constexpr std::string_view strategy_by_hand = "tr+dpu+ahd";

/// `stages` as they are, under `strategy`. What does not fit memory, batch or the strategy's width is an answer (feasible = false)
/// that names the stage. Throws Error{BadRequest} with `where` for a strategy that has no stages to be placed, and for stages that
/// do not cover the blocks or name devices that there are not (fault_of()). Has as many devices as the last one that is named.
Schedule schedule_by_hand(
    std::string_view strategy, std::vector<Stage> stages, const Costs& costs, std::string_view where = "stages");

/// The program of a feasible schedule. Throws Error{BadRequest} for a schedule whose stages do not fit its blocks and devices.
Program make_program(const Schedule& schedule);

/// The same, with devices that do the same folded.
FoldedProgram make_folded_program(const Schedule& schedule);

/// One device, end to end, without a teacher: the student learns from labels.
Program make_supervised_program(int blocks);

/// Every device trains all blocks on whole batches, alone and at the same time as the others: what they can do at most, if no work
/// is done twice and nothing is waited for. No training of one student: each device has its own.
Program make_packing_limit_program(int blocks, int devices);

/// Milliseconds that each stage of a feasible schedule takes for one batch; for strategies that load and run the teacher again for
/// every block, with that.
std::vector<double> stage_costs(const Schedule& schedule, const Costs& costs);

} // namespace pipebd::schedule
