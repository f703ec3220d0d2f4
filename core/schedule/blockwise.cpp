#include "schedule/blockwise.h"

#include "base/error.h"
#include "base/units.h"
#include "schedule/feasibility.h"
#include "schedule/generators.h"
#include "schedule/search.h"
#include "schedule/simulator.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace pipebd::schedule {

namespace {

constexpr std::int64_t most_walked = 2'000'000'000; // about half a minute

std::string limit_of(const Costs& costs, int device)
{
    return format_bytes(costs.cluster().devices[static_cast<std::size_t>(device)].memory_limit.value_or(0));
}

/// Without the stage if it does not fit.
Schedule with_one_stage(Schedule schedule, Stage stage, const Costs& costs)
{
    schedule.decided_by = "fixed";
    if (!costs.fits(stage)) {
        int smallest = stage.devices.front();
        for (int device : stage.devices)
            if (!costs.fits({stage.first, stage.last, {device}}))
                smallest = device;
        return not_feasible(std::move(schedule),
            "all blocks on one device need " + format_bytes(costs.stage_memory(stage)) + ", the limit is "
                + limit_of(costs, smallest));
    }
    schedule.stages.push_back(std::move(stage));
    return schedule;
}

/// A task a block on the device of that number.
Schedule with_tasks(Schedule schedule, const std::vector<int>& device_of_block, std::vector<int> order)
{
    for (int block = 0; block < schedule.blocks; ++block)
        schedule.stages.push_back({block, block + 1, {device_of_block[static_cast<std::size_t>(block)]}});
    schedule.task_order = std::move(order);
    return schedule;
}

/// Milliseconds a step of the task that trains `block` on a device of speed `speed` alone, as simulated.
double simulated_task(const Costs& costs, int block, double speed)
{
    Cluster cluster = alike(1);
    cluster.devices.front().speed = speed;
    Schedule task;
    task.blocks = costs.blocks();
    task.devices = 1;
    task.batch = costs.profile().batch;
    task.stages = {{block, block + 1, {0}}};
    return simulate(repeated_program(task), Costs(costs.profile(), cluster), {.steps = 1, .timeline = false}).step;
}

std::vector<int> in_order(int blocks)
{
    std::vector<int> order(static_cast<std::size_t>(blocks));
    std::iota(order.begin(), order.end(), 0);
    return order;
}

std::string too_large(const Schedule& schedule)
{
    return "no division of " + counted(schedule.blocks, "block") + " among " + counted(schedule.devices, "device")
        + " fits in their memory";
}

Schedule searched(Schedule schedule, const Costs& costs, const PlanningOptions& options, Width width)
{
    schedule.decided_by = options.exhaustive ? "exhaustive search" : "search";
    schedule.candidates = count_candidates(schedule.blocks, schedule.devices, width);
    if (std::string why = lacks_blocks(schedule); width == Width::OneDevice && !why.empty())
        return not_feasible(std::move(schedule), std::move(why));
    std::optional<Candidate> best;
    if (options.exhaustive && schedule.candidates > most_walked)
        throw Error(Code::BadRequest,
            schedule.strategy + " has " + std::to_string(schedule.candidates) + " candidates, too many to evaluate",
            "exhaustive search", "use the exact search, or fewer devices");
    if (options.exhaustive) {
        Ranking ranking = rank_candidates(costs, std::max<std::size_t>(options.ranked, 1), width);
        if (!ranking.best.empty())
            best = ranking.best.front();
        if (options.ranked > 0)
            schedule.ranked = std::move(ranking.best);
    } else
        best = best_candidate(costs, width);
    if (!best)
        return not_feasible(std::move(schedule), too_large(schedule));
    schedule.stages = std::move(best->stages);
    return schedule;
}

} // namespace

Schedule single_schedule(Schedule named, const Costs& costs, const PlanningOptions&)
{
    int chosen = 0; // the fastest of those that fit
    const auto speed = [&](int device) { return costs.cluster().devices[static_cast<std::size_t>(device)].speed; };
    const auto fits = [&](int device) { return costs.fits({0, named.blocks, {device}}); };
    for (int device = 1; device < named.devices; ++device)
        if (fits(device) && (!fits(chosen) || speed(device) > speed(chosen)))
            chosen = device;
    named.devices = chosen + 1;
    Stage stage{0, named.blocks, {chosen}};
    return with_one_stage(std::move(named), std::move(stage), costs);
}

Schedule one_stage_schedule(Schedule named, const Costs& costs, const PlanningOptions&)
{
    if (std::string why = lacks_samples(named); !why.empty()) {
        named.decided_by = "fixed";
        return not_feasible(std::move(named), std::move(why));
    }
    Stage stage{0, named.blocks, in_order(named.devices)};
    return with_one_stage(std::move(named), std::move(stage), costs);
}

Schedule packed_schedule(Schedule named, const Costs& costs, const PlanningOptions&)
{
    named.decided_by = "bin packing";
    const Cluster like_profiled = alike(1);
    const Schedule tasks = with_tasks(named, std::vector<int>(static_cast<std::size_t>(named.blocks)), {});
    const std::vector<double> work = repeated_stage_costs(tasks, Costs(costs.profile(), like_profiled));
    std::vector<int> order = in_order(named.blocks);
    std::stable_sort(order.begin(), order.end(),
        [&](int a, int b) { return work[static_cast<std::size_t>(a)] > work[static_cast<std::size_t>(b)]; });

    std::vector<double> busy_until(static_cast<std::size_t>(named.devices));
    std::vector<int> device_of_block(static_cast<std::size_t>(named.blocks));
    for (int block : order) {
        const auto ends = [&](std::size_t device) {
            return busy_until[device] + work[static_cast<std::size_t>(block)] / costs.cluster().devices[device].speed;
        };
        std::size_t soonest = 0;
        for (std::size_t device = 1; device < busy_until.size(); ++device)
            if (ends(device) < ends(soonest))
                soonest = device;
        busy_until[soonest] = ends(soonest);
        device_of_block[static_cast<std::size_t>(block)] = static_cast<int>(soonest);
    }
    return with_tasks(std::move(named), device_of_block, std::move(order));
}

Schedule stolen_schedule(Schedule named, const Costs& costs, const PlanningOptions&)
{
    named.decided_by = "work stealing";
    std::vector<double> busy_until(static_cast<std::size_t>(named.devices));
    std::vector<int> device_of_block(static_cast<std::size_t>(named.blocks));
    for (int block = 0; block < named.blocks; ++block) {
        const auto idle = std::min_element(busy_until.begin(), busy_until.end());
        const auto device = static_cast<std::size_t>(idle - busy_until.begin());
        *idle += simulated_task(costs, block, costs.cluster().devices[device].speed);
        device_of_block[static_cast<std::size_t>(block)] = static_cast<int>(device);
    }
    std::vector<int> order = in_order(named.blocks);
    return with_tasks(std::move(named), device_of_block, std::move(order));
}

Schedule relay_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    return searched(std::move(named), costs, options, Width::OneDevice);
}

Schedule hybrid_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    return searched(std::move(named), costs, options, Width::Any);
}

std::vector<double> relayed_stage_costs(const Schedule& schedule, const Costs& costs)
{
    std::vector<double> result;
    for (std::size_t s = 0; s < schedule.stages.size(); ++s)
        result.push_back(costs.stage(schedule.stages[s], s == 0 ? nullptr : &schedule.stages[s - 1]));
    return result;
}

std::vector<double> repeated_stage_costs(const Schedule& schedule, const Costs& costs)
{
    std::vector<double> result;
    for (const Stage& stage : schedule.stages) {
        const int n = shard_size(schedule.batch, static_cast<int>(stage.devices.size()));
        const double speed = costs.slowest_speed(stage.devices);
        double teacher = 0; // up to the block
        double cost = 0;
        for (int b = 0; b < stage.last; ++b) {
            teacher += costs.teacher_forward(b, n) / speed;
            if (b >= stage.first)
                cost += costs.load(n) + teacher + costs.student_forward(b, n) / speed + costs.student_backward(b, n) / speed
                    + costs.all_reduce(b, stage.devices) + costs.update(b) / speed;
        }
        result.push_back(cost);
    }
    return result;
}

} // namespace pipebd::schedule
