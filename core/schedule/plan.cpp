#include "schedule/plan.h"

#include "base/error.h"
#include "schedule/saturate.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace pipebd::schedule {

namespace {

/// Samples that the instructions `op` of one training step work on, over all devices and phases, per sample of the batch.
int passes(const Program& program, Op op, int batch)
{
    std::int64_t samples = 0;
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                if (instruction.op == op)
                    samples += rows_of(instruction, batch, program.microbatches).size();
    return static_cast<int>(samples / batch);
}

/// What the stage takes for one batch. Data-parallel training loads and runs the teacher again for every block.
double cost_under(std::string_view strategy, const Profile& profile, const Stage& stage)
{
    if (strategy != "dp")
        return stage_cost(profile, stage);
    const int g = static_cast<int>(stage.devices.size());
    const int n = shard_size(profile.batch, g);
    double teacher = 0; // up to the block
    double cost = 0;
    for (int b = stage.first; b < stage.last; ++b) {
        const BlockProfile& block = profile.blocks[static_cast<std::size_t>(b)];
        teacher += time_for(block.teacher_forward, n, b, "teacher_forward");
        cost += time_for(profile.load, n, "load") + teacher + time_for(block.student_forward, n, b, "student_forward")
            + time_for(block.student_backward, n, b, "student_backward") + all_reduce_time(block, g) + block.update;
    }
    return cost;
}

PlannedStrategy plan_strategy(std::string_view name, const Profile& profile, const Resources& resources)
{
    PlannedStrategy planned;
    planned.schedule = make_schedule(name, profile, resources);
    if (!planned.schedule.feasible)
        return planned;

    const int devices = name == "single" ? 1 : resources.devices;
    planned.program = make_program(planned.schedule, static_cast<int>(profile.blocks.size()), devices);
    planned.simulation = simulate(planned.program, profile);
    planned.throughput = planned.simulation.step > 0 ? profile.batch / planned.simulation.step * 1000 : 0;
    planned.memory_bytes.resize(static_cast<std::size_t>(devices));
    for (const Stage& stage : planned.schedule.stages) {
        planned.stage_costs.push_back(cost_under(name, profile, stage));
        planned.stage_memory.push_back(stage_memory(profile, stage));
        for (int device : stage.devices) {
            std::int64_t& bytes = planned.memory_bytes[static_cast<std::size_t>(device)];
            bytes = saturating_sum(bytes, planned.stage_memory.back());
        }
    }
    planned.teacher_forwards = passes(planned.program, Op::TeacherForward, profile.batch);
    planned.dataset_reads = passes(planned.program, Op::Load, profile.batch);
    return planned;
}

/// The step that speedups are over; nothing if data-parallel training cannot be planned from this profile.
std::optional<double> data_parallel_step(const Plan& plan, const Profile& profile, const Resources& resources)
{
    for (const PlannedStrategy& planned : plan.strategies)
        if (planned.schedule.strategy == "dp")
            return planned.schedule.feasible ? std::optional(planned.simulation.step) : std::nullopt;
    try {
        const PlannedStrategy planned = plan_strategy("dp", profile, resources);
        return planned.schedule.feasible ? std::optional(planned.simulation.step) : std::nullopt;
    } catch (const Error& error) {
        if (error.code() != Code::BadRequest)
            throw;
        return std::nullopt; // nobody asked for dp, so a profile without its batch size is good enough
    }
}

} // namespace

Plan make_plan(const Profile& profile, const Resources& resources, std::span<const std::string> names)
{
    Plan plan{profile.pair, resources.devices, profile.batch, {}};
    if (names.empty())
        for (std::string_view name : strategy_names())
            plan.strategies.push_back(plan_strategy(name, profile, resources));
    for (const std::string& name : names)
        plan.strategies.push_back(plan_strategy(name, profile, resources));

    if (const std::optional<double> step = data_parallel_step(plan, profile, resources))
        for (PlannedStrategy& planned : plan.strategies)
            if (planned.schedule.feasible && planned.simulation.step > 0)
                planned.speedup = *step / planned.simulation.step;
    return plan;
}

const PlannedStrategy* best(const Plan& plan)
{
    const PlannedStrategy* fastest = nullptr;
    for (const PlannedStrategy& planned : plan.strategies)
        if (planned.schedule.feasible && (!fastest || planned.simulation.step < fastest->simulation.step))
            fastest = &planned;
    return fastest;
}

} // namespace pipebd::schedule
