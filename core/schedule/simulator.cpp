#include "schedule/simulator.h"

#include "base/error.h"
#include "schedule/compiled_phase.h"
#include "schedule/phase_run.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pipebd::schedule {

namespace {

/// A pipeline settles in about as many steps as it is deep; what runs ahead and what waits in buffers adds to that. Beyond
/// `deepest` devices the slowest alone sets the pace.
int steps_until_steady(const CompiledPhase& phase)
{
    constexpr std::size_t deepest = 32;
    return 8 + 2 * (phase.most_ahead - phase.least_ahead) + static_cast<int>(std::min(phase.devices.size(), deepest));
}

/// A transfer that nobody waits for may outlast its phase.
void append(std::vector<Span>& spans, std::vector<Span> later)
{
    if (spans.empty()) {
        spans = std::move(later);
        return;
    }
    const auto earlier = [](const Span& a, const Span& b) { return a.start < b.start; };
    const auto middle = static_cast<std::ptrdiff_t>(spans.size());
    spans.insert(spans.end(), later.begin(), later.end());
    std::inplace_merge(spans.begin(), spans.begin() + middle, spans.end(), earlier);
}

void check(const Program& program, const SimulationOptions& options)
{
    const auto refuse = [](const char* what, const char* remedy) { throw Error(Code::BadRequest, what, "program", remedy); };
    if (program.phases.empty())
        refuse("there is nothing to simulate", "a program has at least one phase");
    for (const Phase& phase : program.phases)
        if (phase.devices.size() != program.phases.front().devices.size())
            refuse("its phases differ in their number of devices", "list every device in every phase");
    if (options.steps < 0 || options.buffers < 1)
        refuse("it cannot be simulated for fewer than no steps or with no buffer", "ask for at least 0 steps and 1 buffer");
}

} // namespace

Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options)
{
    check(program, options);
    const auto devices = static_cast<std::size_t>(program.devices());
    Simulation simulation;
    std::vector<std::vector<Span>> spans(devices);
    std::vector<double> clocks(devices);
    std::vector<double> busy(devices);
    std::vector<double> step(devices);
    for (std::size_t p = 0; p < program.phases.size(); ++p) {
        const CompiledPhase phase = compile(program, p, profile);
        const int steps = options.steps > 0 ? options.steps : 2 * steps_until_steady(phase);
        std::vector<std::vector<Span>> phase_spans(devices);
        PhaseRun run(phase, steps, options.buffers, clocks, options.timeline ? &phase_spans : nullptr, static_cast<int>(p));
        if (!run.run()) {
            const PhaseRun::Stuck stuck = run.stuck();
            throw Error(Code::BadRequest, "the program cannot go on: " + stuck.why, place_of(program, p, stuck.device, stuck.index),
                "mend the program");
        }
        clocks = run.clocks();
        double fill = 0;
        for (std::size_t d = 0; d < devices; ++d) {
            busy[d] += phase.devices[d].busy;
            step[d] += run.step(d);
            fill = std::max(fill, run.fill(d));
            append(spans[d], std::move(phase_spans[d]));
        }
        simulation.fill += fill;
    }

    if (!step.empty())
        simulation.step = *std::max_element(step.begin(), step.end());
    for (std::size_t d = 0; d < devices; ++d)
        simulation.utilisation.push_back(simulation.step > 0 ? std::min(1.0, busy[d] / simulation.step) : 0);
    simulation.timeline.devices = static_cast<int>(devices);
    for (const std::vector<Span>& of_device : spans)
        simulation.timeline.spans.insert(simulation.timeline.spans.end(), of_device.begin(), of_device.end());
    return simulation;
}

} // namespace pipebd::schedule
