#include "schedule/measured_timeline.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

namespace pipebd::schedule {

namespace {

/// Null if the program has no such instruction.
const Instruction* instruction_of(const Program& program, const Span& span)
{
    const auto at = [](const auto& items, int index) {
        return index >= 0 && static_cast<std::size_t>(index) < items.size() ? &items[static_cast<std::size_t>(index)] : nullptr;
    };
    const Phase* phase = at(program.phases, span.phase);
    const DeviceProgram* device = phase ? at(phase->devices, span.device) : nullptr;
    return device ? at(device->instructions, span.index) : nullptr;
}

bool is_exchange(Op op)
{
    return op == Op::Send || op == Op::Receive || op == Op::AllReduce || op == Op::Barrier;
}

/// The same for all that take part in one exchange, and for no other.
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

struct Exchange {
    std::size_t participants = 0;
    std::vector<Span> spans;
};

void add(const Exchange& exchange, std::vector<Span>& spans)
{
    if (exchange.spans.size() != exchange.participants)
        return;
    double ready = -std::numeric_limits<double>::infinity();
    double done = ready;
    for (const Span& span : exchange.spans) {
        ready = std::max(ready, span.start);
        done = std::max(done, span.end);
    }
    for (Span span : exchange.spans) {
        span.start = std::min(ready, done);
        span.end = done;
        spans.push_back(span);
    }
}

} // namespace

Timeline measured_timeline(const Program& program, std::span<const Span> reports)
{
    std::map<std::tuple<int, int, int, int>, Span> newest; // by device, phase, step, index
    for (const Span& report : reports)
        newest[{report.device, report.phase, report.step, report.index}] = report;

    Timeline timeline;
    timeline.devices = program.devices();
    std::map<std::vector<int>, Exchange> exchanges;
    for (auto& [place, span] : newest) {
        const Instruction* instruction = instruction_of(program, span);
        if (instruction == nullptr)
            continue;
        span.communication = is_exchange(instruction->op) && instruction->op != Op::Barrier;
        if (!is_exchange(instruction->op)) {
            timeline.spans.push_back(span);
            continue;
        }
        Exchange& exchange = exchanges[exchange_of(program, span, *instruction)];
        exchange.participants = participants(program, span, *instruction);
        exchange.spans.push_back(span);
    }
    for (const auto& [key, exchange] : exchanges)
        add(exchange, timeline.spans);
    std::stable_sort(timeline.spans.begin(), timeline.spans.end(),
        [](const Span& a, const Span& b) { return std::tie(a.device, a.start) < std::tie(b.device, b.start); });
    return timeline;
}

} // namespace pipebd::schedule
