#include "schedule/plan.h"

#include "base/error.h"
#include "base/units.h"
#include "schedule/saturate.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace pipebd::schedule {

namespace {

/// Samples that the instructions `op` of one training step work on, over all devices and phases, per sample of the batch.
int passes(const FoldedProgram& folded, Op op, int batch)
{
    std::int64_t samples = 0;
    Instruction last; // whose rows are known: of most instructions they are those of the one before
    const std::vector<int>* last_shares = nullptr;
    std::int64_t of_last = 0;
    for_each(folded, op, [&](Instruction instruction, const std::vector<int>& shares) {
        instruction.block = 0;
        if (&shares != last_shares || instruction != last) {
            last = instruction;
            last_shares = &shares;
            of_last = 0;
            for (int share : shares) {
                instruction.shard.index = share;
                of_last += rows_of(instruction, batch, folded.program.microbatches).size();
            }
        }
        samples += of_last;
    });
    return static_cast<int>(samples / batch);
}

/// Of one training step, over all links, none of which a copy has.
std::int64_t relayed_bytes(const Program& program, const Profile& profile)
{
    std::int64_t bytes = 0;
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                if (instruction.op == Op::Send)
                    bytes = saturating_sum(bytes,
                        saturating_product(rows_of(instruction, profile.batch, program.microbatches).size(),
                            profile.blocks[static_cast<std::size_t>(instruction.block)].output_bytes));
    return bytes;
}

/// Stages that are all there at the same time fill their devices as docs/formats/profile.md says; what else a device holds is
/// what the simulation holds at its peak.
std::vector<std::int64_t> memory_of(const PlannedStrategy& planned)
{
    if (!planned.schedule.task_order.empty() || is_end_to_end(planned.schedule.strategy))
        return planned.simulation.peak_memory;
    std::vector<std::int64_t> result(static_cast<std::size_t>(planned.schedule.devices));
    for (std::size_t s = 0; s < planned.schedule.stages.size(); ++s)
        for (int device : planned.schedule.stages[s].devices) {
            std::int64_t& bytes = result[static_cast<std::size_t>(device)];
            bytes = saturating_sum(bytes, planned.stage_memory[s]);
        }
    return result;
}

/// "device 2 SAYS 3.0 GiB, the limit is 2.0 GiB" of the first device for which `bytes` is beyond its limit; empty if there is none.
std::string beyond_limit(const std::vector<std::int64_t>& bytes, const Cluster& cluster, const char* says)
{
    for (std::size_t d = 0; d < bytes.size(); ++d)
        if (const std::optional<std::int64_t>& limit = cluster.devices[d].memory_limit; limit && bytes[d] > *limit)
            return "device " + std::to_string(d) + ' ' + says + ' ' + format_bytes(bytes[d]) + ", the limit is "
                + format_bytes(*limit);
    return {};
}

/// The formula of a stage leaves out what waits in buffers while devices skew.
void add_peak_note(PlannedStrategy& planned, const Cluster& cluster)
{
    const std::string beyond = beyond_limit(planned.simulation.peak_memory, cluster, "holds up to");
    if (!beyond.empty())
        planned.schedule.note
            += (planned.schedule.note.empty() ? "including data in transit, " : "; including data in transit, ") + beyond;
}

PlannedStrategy not_possible(Schedule schedule, std::string why)
{
    PlannedStrategy planned;
    planned.schedule = not_feasible(std::move(schedule), std::move(why));
    return planned;
}

PlannedStrategy named_only(std::string_view strategy, std::string why)
{
    Schedule named;
    named.strategy = strategy;
    named.decided_by = "fixed";
    return not_possible(std::move(named), std::move(why));
}

Plan plan_of_none(const Costs& costs)
{
    const Profile& profile = costs.profile();
    Plan plan;
    plan.pair = profile.pair;
    plan.devices = costs.devices();
    plan.batch = profile.batch;
    plan.samples = profile.samples;
    return plan;
}

void add_speedup(PlannedStrategy& planned, double dp_step)
{
    if (planned.simulation.step > 0)
        planned.speedup = dp_step / planned.simulation.step;
}

PlannedStrategy plan_strategy(std::string_view name, const Costs& costs, const PlanningOptions& options, Keep keep)
{
    try {
        return planned(make_schedule(name, costs, options), costs, 0, keep);
    } catch (const Error& error) {
        if (error.code() != Code::OutOfMemory)
            throw;
        return named_only(strategy_named(name), error.problem());
    }
}

/// Of a strategy that nobody asked for: not feasible where the profile lacks what it needs.
PlannedStrategy plan_if_possible(std::string_view name, const Costs& costs, const PlanningOptions& options, Keep keep)
{
    try {
        return plan_strategy(name, costs, options, keep);
    } catch (const Error& error) {
        if (error.code() != Code::BadRequest)
            throw;
        return named_only(name, error.problem() + " (" + error.where() + ')');
    }
}

const PlannedStrategy* find(const Plan& plan, std::string_view strategy)
{
    for (const PlannedStrategy& planned : plan.strategies)
        if (planned.schedule.strategy == strategy)
            return &planned;
    return nullptr;
}

std::optional<double> replicated_step(const Plan& plan, const Costs& costs, const PlanningOptions& options)
{
    const auto step = [](const PlannedStrategy& planned) {
        return planned.schedule.feasible ? std::optional(planned.simulation.step) : std::nullopt;
    };
    const PlannedStrategy* known = find(plan, "ddp");
    return step(known ? *known : plan_if_possible("ddp", costs, options, Keep::Figures));
}

} // namespace

/// Data-parallel training overlaps nothing, so that what its one stage costs is its step, without the simulation of all its phases.
double data_parallel_step(const Costs& costs)
{
    try {
        const Schedule schedule = make_schedule("dp", costs);
        return schedule.feasible ? stage_costs(schedule, costs).front() : 0;
    } catch (const Error& error) {
        if (error.code() != Code::BadRequest)
            throw;
        return 0;
    }
}

PlannedStrategy planned(Schedule schedule, const Costs& costs, double dp_step, Keep keep)
{
    PlannedStrategy result;
    result.schedule = std::move(schedule);
    if (!result.schedule.feasible)
        return result;

    const Profile& profile = costs.profile();
    const FoldedProgram folded = make_folded_program(result.schedule);
    result.has_barrier = has(folded.program, Op::Barrier);
    result.simulation = simulate(folded, costs, {.timeline = keep == Keep::Everything, .peaks = true});
    if (keep == Keep::Everything)
        result.program = unfold(folded);
    result.throughput = result.simulation.step > 0 ? profile.batch / result.simulation.step * 1000 : 0;
    result.stage_costs = stage_costs(result.schedule, costs);
    for (const Stage& stage : result.schedule.stages)
        result.stage_memory.push_back(costs.stage_memory(stage));
    result.memory_bytes = memory_of(result);
    if (std::string shortage = beyond_limit(result.memory_bytes, costs.cluster(), "needs"); !shortage.empty())
        return not_possible(result.schedule, std::move(shortage));
    add_peak_note(result, costs.cluster());
    result.teacher_forwards = passes(folded, Op::TeacherForward, profile.batch);
    result.dataset_reads = passes(folded, Op::Load, profile.batch);
    result.relayed_bytes = relayed_bytes(folded.program, profile);
    result.interpolated = not_measured(profile, sizes_of(folded.program, profile.batch));
    result.epoch = profile.samples > 0
        ? result.simulation.fill + static_cast<double>(profile.samples) / profile.batch * result.simulation.step
        : 0;
    add_speedup(result, dp_step);
    return result;
}

Plan plan_by_hand(std::string_view strategy, std::vector<Stage> stages, const Costs& costs, std::string_view where)
{
    Schedule schedule = schedule_by_hand(strategy, std::move(stages), costs, where);
    Plan plan = plan_of_none(costs);
    plan.strategies.push_back(planned(std::move(schedule), costs, data_parallel_step(costs)));
    return plan;
}

std::string title_of(const Schedule& schedule)
{
    return schedule.decided_by == "hand" ? schedule.strategy + " by hand" : schedule.strategy;
}

ProfileSizes interpolated_in(const Plan& plan)
{
    ProfileSizes sizes;
    for (const PlannedStrategy& planned : plan.strategies)
        sizes.add(planned.interpolated);
    return sizes;
}

std::string interpolation_note(const Plan& plan)
{
    const ProfileSizes sizes = interpolated_in(plan);
    return sizes.empty() ? std::string()
                         : std::string(interpolation_mark) + " uses times that are interpolated, not measured: " + in_words(sizes);
}

Plan make_plan(const Costs& costs, std::span<const std::string> names, const PlanningOptions& options, Keep keep)
{
    Plan plan = plan_of_none(costs);
    if (names.empty()) {
        for (std::string_view name : blockwise_strategy_names())
            plan.strategies.push_back(plan_strategy(name, costs, options, keep));
        for (std::string_view name : end_to_end_strategy_names())
            plan.strategies.push_back(plan_if_possible(name, costs, options, keep));
    }
    for (const std::string& name : names)
        plan.strategies.push_back(plan_strategy(name, costs, options, keep));

    const auto runs = [](const PlannedStrategy& planned) { return planned.schedule.feasible && planned.simulation.step > 0; };
    const auto end_to_end
        = [&](const PlannedStrategy& planned) { return runs(planned) && is_end_to_end(planned.schedule.strategy); };
    const PlannedStrategy* known = find(plan, "dp");
    const double dp = known == nullptr ? data_parallel_step(costs) : known->simulation.step;
    const bool against_ddp = std::any_of(plan.strategies.begin(), plan.strategies.end(), end_to_end);
    const std::optional<double> ddp = against_ddp ? replicated_step(plan, costs, options) : std::nullopt;
    for (PlannedStrategy& planned : plan.strategies) {
        add_speedup(planned, dp);
        if (ddp && end_to_end(planned))
            planned.over_ddp = *ddp / planned.simulation.step;
    }
    return plan;
}

const PlannedStrategy* best(const Plan& plan)
{
    const PlannedStrategy* fastest = nullptr;
    const PlannedStrategy* without_barriers = nullptr;
    for (const PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible || is_end_to_end(planned.schedule.strategy))
            continue;
        const auto is_faster_than
            = [&](const PlannedStrategy* other) { return !other || planned.simulation.step < other->simulation.step; };
        if (is_faster_than(fastest))
            fastest = &planned;
        if (is_faster_than(without_barriers) && !planned.has_barrier)
            without_barriers = &planned;
    }
    const bool are_equal = without_barriers && without_barriers->simulation.step <= fastest->simulation.step * 1.01;
    return are_equal ? without_barriers : fastest;
}

} // namespace pipebd::schedule
