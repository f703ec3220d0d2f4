#include "schedule/exchanges.h"

#include <algorithm>

namespace pipebd::schedule {

bool is_exchange(Op op)
{
    return op == Op::Send || op == Op::Receive || op == Op::AllReduce || op == Op::Barrier;
}

std::vector<int> exchange_of(const Program& program, const Span& span, const Instruction& instruction)
{
    const int batch = span.step + instruction.ahead;
    std::vector<int> key = {span.phase, batch};
    switch (instruction.op) {
    case Op::Send:
    case Op::Receive: {
        const bool sends = instruction.op == Op::Send;
        key.insert(key.end(),
            {static_cast<int>(Op::Send), sends ? span.device : instruction.peer, sends ? instruction.peer : span.device,
                static_cast<int>(instruction.payload), instruction.block, instruction.microbatch, instruction.view,
                instruction.part, instruction.parts});
        break;
    }
    case Op::AllReduce:
        key.insert(key.end(), {static_cast<int>(Op::AllReduce), instruction.block});
        key.insert(key.end(), instruction.group.begin(), instruction.group.end());
        break;
    default: { // the n-th barrier of the step
        const auto first = program.phases[static_cast<std::size_t>(span.phase)]
                               .devices[static_cast<std::size_t>(span.device)]
                               .instructions.begin();
        const auto barriers
            = std::count_if(first, first + span.index, [](const Instruction& before) { return before.op == Op::Barrier; });
        key.insert(key.end(), {static_cast<int>(Op::Barrier), static_cast<int>(barriers)});
    }
    }
    return key;
}

std::size_t participants(const Program& program, const Span& span, const Instruction& instruction)
{
    if (instruction.op == Op::AllReduce)
        return instruction.group.size();
    if (instruction.op != Op::Barrier)
        return 2;
    const std::vector<DeviceProgram>& devices = program.phases[static_cast<std::size_t>(span.phase)].devices;
    return static_cast<std::size_t>(
        std::count_if(devices.begin(), devices.end(), [](const DeviceProgram& device) { return !device.instructions.empty(); }));
}

} // namespace pipebd::schedule
