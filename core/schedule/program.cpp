#include "schedule/program.h"

#include <algorithm>

namespace pipebd::schedule {

namespace {

Rows part_of(Rows rows, int index, int count)
{
    const Rows part = rows_of(Shard{index, count}, rows.size());
    return {rows.begin + part.begin, rows.begin + part.end};
}

} // namespace

Rows rows_of(Shard shard, int batch)
{
    const int size = batch / shard.count;
    const int longer = batch % shard.count;
    const int begin = shard.index * size + std::min(shard.index, longer);
    return {begin, begin + size + (shard.index < longer ? 1 : 0)};
}

Rows intersection(Rows a, Rows b)
{
    const int begin = std::max(a.begin, b.begin);
    return {begin, std::max(begin, std::min(a.end, b.end))};
}

Rows rows_of(const Instruction& instruction, int batch, int microbatches)
{
    if (instruction.op == Op::Load)
        return rows_of(instruction.shard, batch);
    if (instruction.op == Op::Loss)
        return part_of(rows_of(instruction.shard, batch), instruction.part, instruction.parts);
    const auto narrowed = [&](Shard shard) {
        return part_of(part_of(rows_of(shard, batch), instruction.microbatch, microbatches), instruction.part, instruction.parts);
    };
    const Rows own = narrowed(instruction.shard);
    if (instruction.op == Op::Send || instruction.op == Op::Receive)
        return intersection(own, narrowed(instruction.peer_shard));
    return own;
}

Edge edge_of(const Instruction& transfer, int device)
{
    if (transfer.op == Op::Send)
        return {device, transfer.peer, transfer.payload};
    return {transfer.peer, device, transfer.payload};
}

bool Program::end_to_end() const
{
    for (const Phase& phase : phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                if (instruction.op == Op::Loss)
                    return true;
    return false;
}

} // namespace pipebd::schedule
