#include "schedule/measured_timeline.h"

#include "schedule/exchanges.h"

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

Timeline measured_timeline(const Program& program, const std::vector<Span>& reports)
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
