#include "schedule/strategies.h"

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "schedule/blockwise.h"
#include "schedule/feasibility.h"
#include "schedule/generators.h"
#include "schedule/pipelines.h"
#include "schedule/search.h"
#include "schedule/stages.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

namespace pipebd::schedule {

namespace {

struct Strategy {
    std::string_view name;
    Schedule (*schedule)(Schedule named, const Costs& costs, const PlanningOptions& options);
    FoldedProgram (*program)(const Schedule& schedule);
    std::vector<double> (*stage_costs)(const Schedule& schedule, const Costs& costs);
    std::optional<Width> by_hand = {}; // of stages that may be placed by hand
};

constexpr std::size_t blockwise_count = 8; // stand first

constexpr std::array strategies{
    Strategy{"single", single_schedule, internal_relay_program, relayed_stage_costs},
    Strategy{"dp", one_stage_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ls", packed_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ls-steal", stolen_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ir", one_stage_schedule, internal_relay_program, relayed_stage_costs},
    Strategy{"tr", relay_schedule, synchronous_relay_program, relayed_stage_costs, Width::OneDevice},
    Strategy{"tr+dpu", relay_schedule, relay_program, relayed_stage_costs, Width::OneDevice},
    Strategy{"tr+dpu+ahd", hybrid_schedule, relay_program, relayed_stage_costs, Width::Any},
    Strategy{"ddp", replicated_schedule, replicated_program, pipeline_stage_costs},
    Strategy{"mp", spread_schedule, pipeline_program, pipeline_stage_costs},
    Strategy{"gpipe", gpipe_schedule, pipeline_program, pipeline_stage_costs},
    Strategy{"1f1b", one_forward_one_backward_schedule, pipeline_program, pipeline_stage_costs},
    Strategy{"tspipe-published", published_tspipe_schedule, pipeline_program, pipeline_stage_costs},
    Strategy{"tspipe", tspipe_schedule, pipeline_program, pipeline_stage_costs},
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 1> other_names{{{"pipe-bd", "tr+dpu+ahd"}}};

constexpr auto names = [] {
    std::array<std::string_view, strategies.size()> result;
    std::transform(strategies.begin(), strategies.end(), result.begin(), [](const Strategy& strategy) { return strategy.name; });
    return result;
}();

const Strategy& strategy_of(std::string_view name)
{
    for (const auto& [other, meant] : other_names)
        if (name == other)
            name = meant;
    for (const Strategy& strategy : strategies)
        if (strategy.name == name)
            return strategy;
    throw Error(Code::BadRequest, "unknown strategy " + in_quotes(name), "strategy", "choose one of " + joined(names));
}

[[noreturn]] void refuse_schedule(const Schedule& schedule, const std::string& what)
{
    throw Error(Code::BadRequest, what, schedule.strategy, "create the schedule again");
}

void check(const Schedule& schedule)
{
    if (!schedule.feasible || schedule.stages.empty())
        throw Error(Code::BadRequest, "the schedule is not possible", schedule.strategy, schedule.why_not);
    int next = 0;
    for (const Stage& stage : schedule.stages) {
        const bool known = std::all_of(
            stage.devices.begin(), stage.devices.end(), [&](int device) { return device >= 0 && device < schedule.devices; });
        if (stage.first != next || stage.last <= stage.first || stage.devices.empty() || !known)
            refuse_schedule(schedule,
                "the stages do not fit " + std::to_string(schedule.blocks) + " blocks on " + std::to_string(schedule.devices)
                    + " devices");
        next = stage.last;
    }
    if (next != schedule.blocks)
        refuse_schedule(schedule, "the stages end at block " + std::to_string(next) + " of " + std::to_string(schedule.blocks));
}

/// With its strategy, blocks, devices and batch.
Schedule named_schedule(const Strategy& strategy, const Costs& costs)
{
    if (costs.devices() < 1)
        throw Error(Code::BadRequest, "no devices given", std::string(strategy.name), "name at least one");
    if (costs.blocks() == 0 || costs.profile().batch < 1)
        throw Error(Code::BadRequest, "the profile has no blocks or no batch", costs.profile().pair, "measure it first");
    Schedule named;
    named.strategy = strategy.name;
    named.blocks = costs.blocks();
    named.devices = costs.devices();
    named.batch = costs.profile().batch;
    return named;
}

/// Why `stage` cannot be, after "stage 1 (blocks 3-5 on 2) "; empty if it can.
std::string stage_fault(const Stage& stage, Width width, const Schedule& named, const Costs& costs)
{
    const int devices = static_cast<int>(stage.devices.size());
    if (width == Width::OneDevice && devices > 1)
        return "has " + counted(devices, "device") + ", but " + named.strategy + " gives one to each";
    if (devices > named.batch)
        return "has " + counted(devices, "device") + " for a batch of " + std::to_string(named.batch);
    const std::int64_t bytes = costs.stage_memory(stage);
    for (int device : stage.devices)
        if (const auto& limit = costs.cluster().devices[static_cast<std::size_t>(device)].memory_limit; limit && bytes > *limit)
            return "needs " + format_bytes(bytes) + " on each of its devices, the limit of device " + std::to_string(device)
                + " is " + format_bytes(*limit);
    return {};
}

} // namespace

std::span<const std::string_view> strategy_names()
{
    return names;
}

std::span<const std::string_view> blockwise_strategy_names()
{
    return strategy_names().first(blockwise_count);
}

std::span<const std::string_view> end_to_end_strategy_names()
{
    return strategy_names().subspan(blockwise_count);
}

std::string_view strategy_named(std::string_view name)
{
    return strategy_of(name).name;
}

bool is_end_to_end(std::string_view strategy)
{
    const auto among = end_to_end_strategy_names();
    return std::find(among.begin(), among.end(), strategy) != among.end();
}

bool may_be_placed(std::string_view strategy)
{
    return strategy_of(strategy).by_hand.has_value();
}

std::vector<std::string_view> placeable_strategy_names()
{
    std::vector<std::string_view> result;
    for (const Strategy& strategy : strategies)
        if (strategy.by_hand)
            result.push_back(strategy.name);
    return result;
}

Schedule make_schedule(std::string_view strategy, const Costs& costs, const PlanningOptions& options)
{
    const Strategy& chosen = strategy_of(strategy);
    return chosen.schedule(named_schedule(chosen, costs), costs, options);
}

Schedule schedule_by_hand(std::string_view strategy, std::vector<Stage> stages, const Costs& costs, std::string_view where)
{
    const Strategy& chosen = strategy_of(strategy);
    if (!chosen.by_hand)
        throw Error(Code::BadRequest, "the stages of " + std::string(chosen.name) + " cannot be placed by hand", std::string(where),
            "choose one of " + joined(placeable_strategy_names()));
    Schedule result = named_schedule(chosen, costs);
    result.decided_by = "hand";
    check_stages(stages, result.blocks, result.devices, where);
    for (std::size_t s = 0; s < stages.size(); ++s)
        if (std::string fault = stage_fault(stages[s], *chosen.by_hand, result, costs); !fault.empty())
            return not_feasible(std::move(result), "stage " + std::to_string(s) + " (" + to_text(stages[s]) + ") " + fault);
    result.devices = 0;
    for (const Stage& stage : stages)
        result.devices = std::max(result.devices, 1 + *std::max_element(stage.devices.begin(), stage.devices.end()));
    result.stages = std::move(stages);
    return result;
}

Program make_program(const Schedule& schedule)
{
    return unfold(make_folded_program(schedule));
}

FoldedProgram make_folded_program(const Schedule& schedule)
{
    const Strategy& chosen = strategy_of(schedule.strategy);
    check(schedule);
    return chosen.program(schedule);
}

std::vector<double> stage_costs(const Schedule& schedule, const Costs& costs)
{
    return strategy_of(schedule.strategy).stage_costs(schedule, costs);
}

} // namespace pipebd::schedule
