#include "schedule/strategies.h"

#include "base/error.h"
#include "base/text.h"
#include "schedule/blockwise.h"
#include "schedule/generators.h"
#include "schedule/pipelines.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace pipebd::schedule {

namespace {

struct Strategy {
    std::string_view name;
    Schedule (*schedule)(Schedule named, const Costs& costs, const PlanningOptions& options);
    Program (*program)(const Schedule& schedule);
    std::vector<double> (*stage_costs)(const Schedule& schedule, const Costs& costs);
};

constexpr std::size_t blockwise_count = 8; // stand first

constexpr std::array strategies{
    Strategy{"single", single_schedule, internal_relay_program, relayed_stage_costs},
    Strategy{"dp", one_stage_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ls", packed_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ls-steal", stolen_schedule, repeated_program, repeated_stage_costs},
    Strategy{"ir", one_stage_schedule, internal_relay_program, relayed_stage_costs},
    Strategy{"tr", relay_schedule, synchronous_relay_program, relayed_stage_costs},
    Strategy{"tr+dpu", relay_schedule, relay_program, relayed_stage_costs},
    Strategy{"tr+dpu+ahd", hybrid_schedule, relay_program, relayed_stage_costs},
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
    throw Error(Code::BadRequest, "there is no strategy " + in_quotes(name), "strategy", "choose one of " + joined(names));
}

[[noreturn]] void refuse(const Schedule& schedule, const std::string& what)
{
    throw Error(Code::BadRequest, what, schedule.strategy, "make the schedule again");
}

void check(const Schedule& schedule)
{
    if (!schedule.feasible || schedule.stages.empty())
        throw Error(Code::BadRequest, "this schedule is not feasible", schedule.strategy, schedule.why_not);
    int next = 0;
    for (const Stage& stage : schedule.stages) {
        const bool known = std::all_of(
            stage.devices.begin(), stage.devices.end(), [&](int device) { return device >= 0 && device < schedule.devices; });
        if (stage.first != next || stage.last <= stage.first || stage.devices.empty() || !known)
            refuse(schedule,
                "the stages do not fit " + std::to_string(schedule.blocks) + " blocks on " + std::to_string(schedule.devices)
                    + " devices");
        next = stage.last;
    }
    if (next != schedule.blocks)
        refuse(schedule, "the stages end at block " + std::to_string(next) + " of " + std::to_string(schedule.blocks));
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

Schedule make_schedule(std::string_view strategy, const Costs& costs, const PlanningOptions& options)
{
    const Strategy& chosen = strategy_of(strategy);
    if (costs.devices() < 1)
        throw Error(Code::BadRequest, "there is no device to run on", std::string(strategy), "name at least one");
    if (costs.blocks() == 0 || costs.profile().batch < 1)
        throw Error(Code::BadRequest, "the profile has no blocks or no batch", costs.profile().pair, "measure it first");
    Schedule named;
    named.strategy = chosen.name;
    named.blocks = costs.blocks();
    named.devices = costs.devices();
    named.batch = costs.profile().batch;
    return chosen.schedule(std::move(named), costs, options);
}

Program make_program(const Schedule& schedule)
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
