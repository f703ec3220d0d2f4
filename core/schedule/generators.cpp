#include "schedule/generators.h"

#include <cstddef>

namespace pipebd::schedule {

namespace {

Instruction of_block(Op op, int block, Shard shard = {})
{
    Instruction instruction;
    instruction.op = op;
    instruction.block = block;
    instruction.shard = shard;
    return instruction;
}

Instruction transfer(Op op, int block, int peer)
{
    Instruction instruction = of_block(op, block);
    instruction.peer = peer;
    return instruction;
}

Program empty_program(int blocks, int devices, int phases)
{
    Program program;
    program.blocks = blocks;
    program.phases.resize(static_cast<std::size_t>(phases));
    for (Phase& phase : program.phases)
        phase.devices.resize(static_cast<std::size_t>(devices));
    return program;
}

using Instructions = std::vector<Instruction>;

Instructions& instructions_of(Program& program, int phase, int device)
{
    return program.phases[static_cast<std::size_t>(phase)].devices[static_cast<std::size_t>(device)].instructions;
}

void train(Instructions& instructions, int block, Shard shard = {})
{
    instructions.push_back(of_block(Op::StudentForward, block, shard));
    instructions.push_back(of_block(Op::StudentBackward, block, shard));
}

} // namespace

Program single_program(const Schedule& schedule, int blocks, int devices)
{
    Program program = empty_program(blocks, devices, 1);
    Instructions& instructions = instructions_of(program, 0, schedule.stages.front().devices.front());
    instructions.push_back(of_block(Op::Load, 0));
    for (int block = 0; block < blocks; ++block) {
        instructions.push_back(of_block(Op::TeacherForward, block));
        train(instructions, block);
        instructions.push_back(of_block(Op::Update, block));
    }
    return program;
}

Program data_parallel_program(const Schedule& schedule, int blocks, int devices)
{
    const std::vector<int>& group = schedule.stages.front().devices;
    Program program = empty_program(blocks, devices, blocks);
    for (int trained = 0; trained < blocks; ++trained) {
        Shard shard{0, static_cast<int>(group.size())};
        for (int device : group) {
            Instructions& instructions = instructions_of(program, trained, device);
            instructions.push_back(of_block(Op::Load, 0, shard));
            for (int block = 0; block <= trained; ++block)
                instructions.push_back(of_block(Op::TeacherForward, block, shard));
            train(instructions, trained, shard);
            if (group.size() > 1) {
                instructions.push_back(of_block(Op::AllReduce, trained, shard));
                instructions.back().group = group;
            }
            instructions.push_back(of_block(Op::Update, trained, shard));
            ++shard.index;
        }
    }
    return program;
}

Program relay_program(const Schedule& schedule, int blocks, int devices)
{
    Program program = empty_program(blocks, devices, 1);
    for (std::size_t s = 0; s < schedule.stages.size(); ++s) {
        const Stage& stage = schedule.stages[s];
        Instructions& instructions = instructions_of(program, 0, stage.devices.front());
        if (s == 0)
            instructions.push_back(of_block(Op::Load, 0));
        else
            instructions.push_back(transfer(Op::Receive, stage.first - 1, schedule.stages[s - 1].devices.front()));
        for (int block = stage.first; block < stage.last; ++block)
            instructions.push_back(of_block(Op::TeacherForward, block));
        if (s + 1 < schedule.stages.size())
            instructions.push_back(transfer(Op::Send, stage.last - 1, schedule.stages[s + 1].devices.front()));
        for (int block = stage.first; block < stage.last; ++block) {
            train(instructions, block);
            instructions.push_back(of_block(Op::Update, block));
        }
    }
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
