#include "schedule/strategies.h"

#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "schedule/generators.h"
#include "schedule/partition.h"
#include "schedule/saturate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

namespace pipebd::schedule {

namespace {

Schedule not_feasible(Schedule schedule, std::string why)
{
    schedule.stages.clear();
    schedule.feasible = false;
    schedule.why_not = std::move(why);
    return schedule;
}

/// The one stage of all blocks on the first `devices` devices, if it fits.
Schedule one_stage(Schedule schedule, const Profile& profile, const Resources& resources, int devices)
{
    schedule.decided_by = "fixed";
    Stage stage{0, static_cast<int>(profile.blocks.size()), std::vector<int>(static_cast<std::size_t>(devices))};
    std::iota(stage.devices.begin(), stage.devices.end(), 0);
    const std::int64_t memory = stage_memory(profile, stage);
    if (resources.memory_limit && memory > *resources.memory_limit)
        return not_feasible(std::move(schedule),
            "all blocks on one device need " + format_bytes(memory) + ", the limit is " + format_bytes(*resources.memory_limit));
    schedule.stages.push_back(std::move(stage));
    return schedule;
}

Schedule single_schedule(Schedule schedule, const Profile& profile, const Resources& resources)
{
    return one_stage(std::move(schedule), profile, resources, 1);
}

Schedule data_parallel_schedule(Schedule schedule, const Profile& profile, const Resources& resources)
{
    if (profile.batch < resources.devices) {
        schedule.decided_by = "fixed";
        return not_feasible(std::move(schedule),
            "a batch of " + std::to_string(profile.batch) + " cannot be split over " + std::to_string(resources.devices)
                + " devices");
    }
    return one_stage(std::move(schedule), profile, resources, resources.devices);
}

Schedule relay_schedule(Schedule schedule, const Profile& profile, const Resources& resources)
{
    const int blocks = static_cast<int>(profile.blocks.size());
    schedule.decided_by = "search";
    schedule.candidates = count_partitions(blocks, resources.devices);
    if (blocks < resources.devices)
        return not_feasible(std::move(schedule),
            "it needs a block for every device, but there are " + std::to_string(blocks) + " blocks for "
                + std::to_string(resources.devices) + " devices");
    schedule.stages = best_partition(profile, resources.devices, resources.memory_limit);
    if (schedule.stages.empty())
        return not_feasible(std::move(schedule),
            "no partition of " + std::to_string(blocks) + " blocks over " + std::to_string(resources.devices) + " devices fits "
                + format_bytes(*resources.memory_limit) + " a device");
    return schedule;
}

struct Strategy {
    std::string_view name;
    Schedule (*schedule)(Schedule named, const Profile& profile, const Resources& resources);
    Program (*program)(const Schedule& schedule, int blocks, int devices);
};

constexpr std::array strategies{
    Strategy{"single", single_schedule, single_program},
    Strategy{"dp", data_parallel_schedule, data_parallel_program},
    Strategy{"tr+dpu", relay_schedule, relay_program},
};

constexpr auto names = [] {
    std::array<std::string_view, strategies.size()> result;
    std::transform(strategies.begin(), strategies.end(), result.begin(), [](const Strategy& strategy) { return strategy.name; });
    return result;
}();

const Strategy& strategy_named(std::string_view name)
{
    for (const Strategy& strategy : strategies)
        if (strategy.name == name)
            return strategy;
    throw Error(Code::BadRequest, "there is no strategy " + in_quotes(name), "strategy", "choose one of " + joined(names));
}

} // namespace

std::span<const std::string_view> strategy_names()
{
    return names;
}

Schedule make_schedule(std::string_view strategy, const Profile& profile, const Resources& resources)
{
    const Strategy& chosen = strategy_named(strategy);
    if (resources.devices < 1)
        throw Error(Code::BadRequest, "there is no device to run on", std::string(strategy), "name at least one");
    if (profile.blocks.empty() || profile.batch < 1)
        throw Error(Code::BadRequest, "the profile has no blocks or no batch", profile.pair, "measure it first");
    Schedule named;
    named.strategy = strategy;
    return chosen.schedule(std::move(named), profile, resources);
}

Program make_program(const Schedule& schedule, int blocks, int devices)
{
    const Strategy& chosen = strategy_named(schedule.strategy);
    if (!schedule.feasible || schedule.stages.empty())
        throw Error(Code::BadRequest, "this schedule is not feasible", schedule.strategy, schedule.why_not);
    int next = 0;
    for (const Stage& stage : schedule.stages) {
        const bool known
            = std::all_of(stage.devices.begin(), stage.devices.end(), [&](int device) { return device >= 0 && device < devices; });
        if (stage.first != next || stage.last <= stage.first || stage.devices.empty() || !known)
            throw Error(Code::BadRequest,
                "the stages do not fit " + std::to_string(blocks) + " blocks on " + std::to_string(devices) + " devices",
                schedule.strategy, "make the schedule again");
        next = stage.last;
    }
    if (next != blocks)
        throw Error(Code::BadRequest, "the stages end at block " + std::to_string(next) + " of " + std::to_string(blocks),
            schedule.strategy, "make the schedule again");
    return chosen.program(schedule, blocks, devices);
}

double stage_cost(const Profile& profile, const Stage& stage)
{
    const int g = static_cast<int>(stage.devices.size());
    const int n = shard_size(profile.batch, g);
    double cost = 0;
    if (stage.first == 0)
        cost = time_for(profile.load, n, "load");
    else
        cost = transfer_time(
            profile.link, saturating_product(n, profile.blocks[static_cast<std::size_t>(stage.first - 1)].output_bytes));
    for (int b = stage.first; b < stage.last; ++b) {
        const BlockProfile& block = profile.blocks[static_cast<std::size_t>(b)];
        cost += time_for(block.teacher_forward, n, b, "teacher_forward") + time_for(block.student_forward, n, b, "student_forward")
            + time_for(block.student_backward, n, b, "student_backward") + all_reduce_time(block, g) + block.update;
    }
    return cost;
}

std::int64_t stage_memory(const Profile& profile, const Stage& stage)
{
    const int n = shard_size(profile.batch, static_cast<int>(stage.devices.size()));
    std::int64_t total = 0;
    std::int64_t outputs = 0;
    std::int64_t activations = 0;
    if (stage.first > 0)
        outputs = profile.blocks[static_cast<std::size_t>(stage.first - 1)].output_bytes;
    for (int b = stage.first; b < stage.last; ++b) {
        const BlockProfile& block = profile.blocks[static_cast<std::size_t>(b)];
        for (std::int64_t bytes : {block.teacher_bytes, block.student_bytes, block.gradient_bytes, block.optimizer_bytes})
            total = saturating_sum(total, bytes);
        outputs = saturating_sum(outputs, block.output_bytes);
        activations = std::max(activations, block.activation_bytes);
    }
    return saturating_sum(total, saturating_product(n, saturating_sum(outputs, activations)));
}

} // namespace pipebd::schedule
