// Instructions: short ways to write them, for generators.
#pragma once

#include "schedule/program.h"

#include <cstddef>
#include <vector>

namespace pipebd::schedule {

using Instructions = std::vector<Instruction>;

inline Instruction of_block(Op op, int block, Shard shard = {})
{
    Instruction instruction;
    instruction.op = op;
    instruction.block = block;
    instruction.shard = shard;
    return instruction;
}

inline Instruction all_reduce(int block, Shard shard, std::vector<int> group)
{
    Instruction instruction = of_block(Op::AllReduce, block, shard);
    instruction.group = std::move(group);
    return instruction;
}

inline Program empty_program(int blocks, int devices, int phases)
{
    Program program;
    program.blocks = blocks;
    program.phases.resize(static_cast<std::size_t>(phases));
    for (Phase& phase : program.phases)
        phase.devices.resize(static_cast<std::size_t>(devices));
    return program;
}

inline Instructions& instructions_of(Program& program, int phase, int device)
{
    return program.phases[static_cast<std::size_t>(phase)].devices[static_cast<std::size_t>(device)].instructions;
}

} // namespace pipebd::schedule
