#include "schedule/generators.h"

#include "schedule/instructions.h"
#include "schedule/strategies.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace pipebd::schedule {

namespace {

Shard shard_of(const Stage& stage, std::size_t device)
{
    return {static_cast<int>(device), static_cast<int>(stage.devices.size())};
}

/// Forward, backward and, over several devices, all-reduce.
void train(Instructions& instructions, int block, const Stage& stage, Shard shard)
{
    instructions.push_back(of_block(Op::StudentForward, block, shard));
    instructions.push_back(of_block(Op::StudentBackward, block, shard));
    if (stage.devices.size() > 1)
        instructions.push_back(all_reduce(block, shard, stage.devices));
}

/// What the device of `self` exchanges with the devices of `other`: `block`'s teacher output, the rows that both work on.
void exchange(Instructions& instructions, Op op, int block, Shard self, const Stage& other, int batch)
{
    const Rows rows = rows_of(self, batch);
    for (std::size_t peer = 0; peer < other.devices.size(); ++peer) {
        const Shard theirs = shard_of(other, peer);
        if (intersection(rows, rows_of(theirs, batch)).size() == 0)
            continue;
        Instruction transfer = of_block(op, block, self);
        transfer.peer = other.devices[peer];
        transfer.peer_shard = theirs;
        instructions.push_back(std::move(transfer));
    }
}

enum class Updates { AtOnce, AfterBarrier };

void train_stage(Instructions& instructions, const Stage& stage, Shard shard, Updates updates)
{
    int updated = stage.first;
    const auto update_up_to = [&](int last) {
        for (; updated < last; ++updated)
            instructions.push_back(of_block(Op::Update, updated, shard));
    };
    const int behind = stage.devices.size() > 1 ? 1 : 0; // while a block's gradients travel, the next one is trained
    for (int block = stage.first; block < stage.last; ++block) {
        train(instructions, block, stage, shard);
        if (updates == Updates::AtOnce)
            update_up_to(block + 1 - behind);
    }
    if (updates == Updates::AfterBarrier)
        instructions.push_back(of_block(Op::Barrier, 0, shard));
    update_up_to(stage.last);
}

FoldedProgram relay(const Schedule& schedule, Updates updates)
{
    FoldedProgram folded = empty_program(schedule.blocks, schedule.devices, 1);
    Program& program = folded.program;
    const std::vector<Stage>& stages = schedule.stages;
    if (stages.size() == 1)
        fold(folded, stages.front());
    for (std::size_t s = 0; s < stages.size(); ++s)
        for (std::size_t d = 0; d < stages[s].devices.size() && !folded.is_copy(stages[s].devices[d]); ++d) {
            const Stage& stage = stages[s];
            const Shard shard = shard_of(stage, d);
            Instructions& instructions = instructions_of(program, 0, stage.devices[d]);
            if (s == 0)
                instructions.push_back(of_block(Op::Load, 0, shard));
            else
                exchange(instructions, Op::Receive, stage.first - 1, shard, stages[s - 1], schedule.batch);
            for (int block = stage.first; block < stage.last; ++block)
                instructions.push_back(of_block(Op::TeacherForward, block, shard));
            if (s + 1 < stages.size())
                exchange(instructions, Op::Send, stage.last - 1, shard, stages[s + 1], schedule.batch);
            train_stage(instructions, stage, shard, updates);
        }
    return folded;
}

} // namespace

FoldedProgram internal_relay_program(const Schedule& schedule)
{
    FoldedProgram folded = empty_program(schedule.blocks, schedule.devices, 1);
    const Stage& stage = schedule.stages.front();
    const Shard shard = shard_of(stage, 0);
    Instructions& instructions = instructions_of(folded.program, 0, stage.devices.front());
    instructions.push_back(of_block(Op::Load, 0, shard));
    for (int block = 0; block < schedule.blocks; ++block) {
        instructions.push_back(of_block(Op::TeacherForward, block, shard));
        train(instructions, block, stage, shard);
        instructions.push_back(of_block(Op::Update, block, shard));
    }
    fold(folded, stage);
    return folded;
}

FoldedProgram repeated_program(const Schedule& schedule)
{
    std::vector<int> order = schedule.task_order;
    if (order.empty()) {
        order.resize(schedule.stages.size());
        std::iota(order.begin(), order.end(), 0);
    }
    const bool alike = schedule.stages.size() == 1; // then the devices of the stage do nothing else
    std::vector<int> done(static_cast<std::size_t>(schedule.devices)); // phases of each device
    Program program = empty_program(schedule.blocks, schedule.devices, 0);
    for (int s : order) {
        const Stage& stage = schedule.stages[static_cast<std::size_t>(s)];
        for (int trained = stage.first; trained < stage.last; ++trained)
            for (std::size_t d = 0; d < (alike ? 1 : stage.devices.size()); ++d) {
                const Shard shard = shard_of(stage, d);
                const int phase = done[static_cast<std::size_t>(stage.devices[d])]++;
                if (static_cast<std::size_t>(phase) == program.phases.size())
                    program.phases.emplace_back().devices.resize(static_cast<std::size_t>(schedule.devices));
                Instructions& instructions = instructions_of(program, phase, stage.devices[d]);
                instructions.push_back(of_block(Op::Load, 0, shard));
                for (int block = 0; block <= trained; ++block)
                    instructions.push_back(of_block(Op::TeacherForward, block, shard));
                train(instructions, trained, stage, shard);
                instructions.push_back(of_block(Op::Update, trained, shard));
            }
    }
    FoldedProgram folded = std::move(program);
    if (alike)
        fold(folded, schedule.stages.front());
    return folded;
}

FoldedProgram relay_program(const Schedule& schedule)
{
    return relay(schedule, Updates::AtOnce);
}

FoldedProgram synchronous_relay_program(const Schedule& schedule)
{
    return relay(schedule, Updates::AfterBarrier);
}

Program make_packing_limit_program(int blocks, int devices)
{
    Schedule alone;
    alone.blocks = blocks;
    alone.devices = 1;
    alone.stages = {{.first = 0, .last = blocks, .devices = {0}}};
    Program program = internal_relay_program(alone).program;
    std::vector<DeviceProgram>& of_devices = program.phases.front().devices;
    of_devices = std::vector<DeviceProgram>(static_cast<std::size_t>(devices), of_devices.front());
    return program;
}

Program make_supervised_program(int blocks)
{
    Program program = empty_program(blocks, 1, 1);
    Instructions& instructions = instructions_of(program, 0, 0);
    instructions.push_back(of_block(Op::Load, 0));
    for (int block = 0; block < blocks; ++block)
        instructions.push_back(of_block(Op::StudentForward, block));
    instructions.push_back(of_block(Op::Loss, 0));
    for (int block = blocks - 1; block >= 0; --block) {
        instructions.push_back(of_block(Op::StudentBackward, block));
        instructions.push_back(of_block(Op::Update, block));
    }
    return program;
}

} // namespace pipebd::schedule
