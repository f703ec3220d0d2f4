#include "schedule/costs.h"

#include "schedule/saturate.h"

#include <algorithm>
#include <cstddef>

namespace pipebd::schedule {

double ring_time(const Link& link, std::int64_t bytes, int devices)
{
    return 2 * (devices - 1) * transfer_time(link, bytes / devices);
}

Costs::Costs(const Profile& profile, const Cluster& cluster)
    : profile_(profile)
    , cluster_(cluster)
{
}

double Costs::load(int samples) const
{
    return profile_.interpolates ? interpolated(profile_.load, samples) : time_for(profile_.load, samples, "load");
}

double Costs::of_block(TimeBySamples BlockProfile::*times, int block, int samples, const char* name) const
{
    const TimeBySamples& measured = profile_.blocks[static_cast<std::size_t>(block)].*times;
    return profile_.interpolates ? interpolated(measured, samples) : time_for(measured, samples, block, name);
}

double Costs::teacher_forward(int block, int samples) const
{
    return of_block(&BlockProfile::teacher_forward, block, samples, "teacher_forward");
}

double Costs::student_forward(int block, int samples) const
{
    return of_block(&BlockProfile::student_forward, block, samples, "student_forward");
}

double Costs::student_backward(int block, int samples) const
{
    return of_block(&BlockProfile::student_backward, block, samples, "student_backward");
}

double Costs::update(int block) const
{
    return profile_.blocks[static_cast<std::size_t>(block)].update;
}

double Costs::all_reduce(int block, std::span<const int> devices) const
{
    const int g = static_cast<int>(devices.size());
    const BlockProfile& measured = profile_.blocks[static_cast<std::size_t>(block)];
    double time = g > 1 && profile_.interpolates ? estimated_all_reduce(measured, g, profile_.link) : all_reduce_time(measured, g);
    if (g <= 1 || (!cluster_.inside && !cluster_.between))
        return time;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const int from = devices[i == 0 ? devices.size() - 1 : i - 1];
        time = std::max(time, ring_time(link(from, devices[i]), measured.gradient_bytes, g));
    }
    return time;
}

const Link& Costs::link(int from, int to) const
{
    const auto node = [&](int device) { return cluster_.devices[static_cast<std::size_t>(device)].node; };
    const Link& inside = cluster_.inside ? *cluster_.inside : profile_.link;
    return cluster_.between && node(from) != node(to) ? *cluster_.between : inside;
}

double Costs::slowest_speed(std::span<const int> devices) const
{
    double speed = devices.empty() ? 1 : cluster_.devices[static_cast<std::size_t>(devices.front())].speed;
    for (int device : devices)
        speed = std::min(speed, cluster_.devices[static_cast<std::size_t>(device)].speed);
    return speed;
}

double Costs::of(const Instruction& instruction, int device, int microbatches) const
{
    const int shard = shard_size(profile_.batch, instruction.shard.count);
    const int n = shard_size(shard, microbatches);
    const double speed = cluster_.devices[static_cast<std::size_t>(device)].speed;
    switch (instruction.op) {
    case Op::Load:
        return load(shard);
    case Op::TeacherForward:
        return teacher_forward(instruction.block, n) / speed;
    case Op::StudentForward:
        return student_forward(instruction.block, n) / speed;
    case Op::StudentBackward:
        return student_backward(instruction.block, n) / speed / instruction.parts;
    case Op::Update:
        return update(instruction.block) / speed;
    case Op::TeacherUpdate:
        return profile_.blocks[static_cast<std::size_t>(instruction.block)].teacher_update / speed;
    case Op::AllReduce:
        return all_reduce(instruction.block, instruction.group);
    case Op::Send: {
        const int rows = rows_of(instruction, profile_.batch, microbatches).size();
        return rows == 0 ? 0
                         : transfer_time(link(device, instruction.peer),
                             saturating_product(rows, profile_.blocks[static_cast<std::size_t>(instruction.block)].output_bytes));
    }
    case Op::Receive:
    case Op::Loss:
    case Op::Barrier:
        break;
    }
    return 0;
}

double Costs::stage(const Stage& stage, const Stage* before) const
{
    const int n = shard_size(profile_.batch, static_cast<int>(stage.devices.size()));
    const double speed = slowest_speed(stage.devices);
    double cost = 0;
    if (stage.first == 0)
        cost = load(n);
    else {
        const std::int64_t bytes = saturating_product(n, profile_.blocks[static_cast<std::size_t>(stage.first - 1)].output_bytes);
        if (before == nullptr)
            cost = transfer_time(cluster_.inside ? *cluster_.inside : profile_.link, bytes);
        else
            for (int from : before->devices)
                for (int to : stage.devices)
                    cost = std::max(cost, transfer_time(link(from, to), bytes));
    }
    for (int b = stage.first; b < stage.last; ++b)
        cost += teacher_forward(b, n) / speed + student_forward(b, n) / speed + student_backward(b, n) / speed
            + all_reduce(b, stage.devices) + update(b) / speed;
    return cost;
}

std::int64_t Costs::stage_memory(const Stage& stage) const
{
    const int n = shard_size(profile_.batch, static_cast<int>(stage.devices.size()));
    std::int64_t total = 0;
    std::int64_t outputs = 0;
    std::int64_t activations = 0;
    if (stage.first > 0)
        outputs = profile_.blocks[static_cast<std::size_t>(stage.first - 1)].output_bytes;
    for (int b = stage.first; b < stage.last; ++b) {
        const BlockProfile& block = profile_.blocks[static_cast<std::size_t>(b)];
        for (std::int64_t bytes : {block.teacher_bytes, block.student_bytes, block.gradient_bytes, block.optimizer_bytes})
            total = saturating_sum(total, bytes);
        outputs = saturating_sum(outputs, block.output_bytes);
        activations = std::max(activations, block.activation_bytes);
    }
    return saturating_sum(total, saturating_product(n, saturating_sum(outputs, activations)));
}

bool Costs::fits(const Stage& stage) const
{
    const std::int64_t bytes = stage_memory(stage);
    return std::all_of(stage.devices.begin(), stage.devices.end(), [&](int device) {
        const auto& limit = cluster_.devices[static_cast<std::size_t>(device)].memory_limit;
        return !limit || bytes <= *limit;
    });
}

} // namespace pipebd::schedule
