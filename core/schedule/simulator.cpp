#include "schedule/simulator.h"

#include "base/error.h"
#include "schedule/compiled_phase.h"
#include "schedule/idle_time.h"
#include "schedule/memory_use.h"
#include "schedule/phase_run.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace pipebd::schedule {

namespace {

/// How many that exchange something there are, devices of a group counted as one.
std::size_t depth(const CompiledPhase& phase)
{
    std::vector<std::size_t> joined(phase.devices.size()); // a device of the same group, itself at the root
    std::iota(joined.begin(), joined.end(), std::size_t{0});
    const auto root = [&](int device) {
        auto at = static_cast<std::size_t>(device);
        while (joined[at] != at)
            at = joined[at] = joined[joined[at]];
        return at;
    };
    for (const CompiledGroup& group : phase.groups)
        for (int device : group.devices)
            joined[root(device)] = root(group.devices.front());
    std::vector<bool> exchanges(phase.devices.size());
    for (const CompiledLink& link : phase.links)
        exchanges[root(link.from)] = exchanges[root(link.to)] = true;
    const auto count = static_cast<std::size_t>(std::count(exchanges.begin(), exchanges.end(), true));
    return std::max(count, phase.groups.size());
}

/// A pipeline settles in about as many steps as it is deep; what runs ahead and what waits in buffers adds to that. Beyond
/// `deepest` the slowest alone sets the pace. Devices that all wait for one another in every step, or for none, are steady at once.
int steps_until_steady(const CompiledPhase& phase)
{
    constexpr std::size_t deepest = 32;
    const int ahead = 2 * (phase.most_ahead - phase.least_ahead);
    if (phase.links.empty() && phase.groups.size() <= 1)
        return 2 + ahead;
    return 8 + ahead + static_cast<int>(std::min(depth(phase), deepest));
}

/// A transfer that nobody waits for may outlast its phase.
void append(std::vector<Span>& spans, std::vector<Span> later)
{
    if (later.empty())
        return;
    if (spans.empty()) {
        spans = std::move(later);
        return;
    }
    const auto middle = static_cast<std::ptrdiff_t>(spans.size());
    const auto earlier = [](const Span& a, const Span& b) { return a.start < b.start; };
    const auto unmoved = std::upper_bound(spans.begin(), spans.end(), later.front(), earlier) - spans.begin();
    spans.insert(spans.end(), later.begin(), later.end());
    std::inplace_merge(spans.begin() + unmoved, spans.begin() + middle, spans.end(), earlier);
}

void check(const Program& program, const Costs& costs, const SimulationOptions& options)
{
    const auto refuse = [](const char* what, const char* remedy) { throw Error(Code::BadRequest, what, "program", remedy); };
    if (program.phases.empty())
        refuse("there is nothing to simulate", "a program has at least one phase");
    for (const Phase& phase : program.phases)
        if (phase.devices.size() != program.phases.front().devices.size())
            refuse("its phases differ in their number of devices", "list every device in every phase");
    if (program.devices() > costs.devices())
        refuse("it has more devices than there are", "plan it for these devices");
    if (options.steps < 0 || options.buffers < 1)
        refuse("it cannot be simulated for fewer than no steps or with no buffer", "ask for at least 0 steps and 1 buffer");
}

} // namespace

Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options)
{
    const Cluster cluster = alike(program.devices());
    return simulate(program, Costs(profile, cluster), options);
}

Simulation simulate(const Program& program, const Costs& costs, const SimulationOptions& options)
{
    check(program, costs, options);
    const auto devices = static_cast<std::size_t>(program.devices());
    Simulation simulation;
    std::vector<std::vector<Span>> spans(devices);
    std::vector<double> clocks(devices);
    std::vector<DeviceTime> times(devices);
    MemoryUse memory(program, costs);
    const bool end_to_end = program.end_to_end();
    for (std::size_t p = 0; p < program.phases.size(); ++p) {
        const CompiledPhase phase = compile(program, p, costs, training_of(program.phases[p], end_to_end));
        const int steps = options.steps > 0 ? options.steps : 2 * steps_until_steady(phase);
        std::vector<std::vector<Span>> phase_spans(devices);
        PhaseRun run(phase, steps, options.buffers, clocks, options.timeline ? &phase_spans : nullptr, static_cast<int>(p));
        if (!run.run()) {
            const PhaseRun::Stuck stuck = run.stuck();
            throw Error(Code::BadRequest, "the program cannot go on: " + stuck.why, place_of(program, p, stuck.device, stuck.index),
                "mend the program");
        }
        clocks = run.clocks();
        std::vector<DeviceTime> phase_times;
        for (std::size_t d = 0; d < devices; ++d)
            phase_times.push_back(run.time(d));
        add_held_back(phase, phase_times);
        double fill = 0;
        for (std::size_t d = 0; d < devices; ++d) {
            times[d] += phase_times[d];
            fill = std::max(fill, run.fill(d));
            if (options.timeline)
                memory.add(phase, p, d, phase_spans[d], steps);
            append(spans[d], std::move(phase_spans[d]));
        }
        simulation.fill += fill;
    }

    for (const DeviceTime& time : times)
        simulation.step = std::max(simulation.step, time.step());
    for (const DeviceTime& time : times) {
        simulation.busy.push_back(time.busy);
        simulation.utilisation.push_back(simulation.step > 0 ? time.busy / simulation.step : 0);
    }
    simulation.idle = idle_times(times, simulation.step);
    simulation.timeline.devices = static_cast<int>(devices);
    if (!options.timeline)
        return simulation;
    std::size_t count = 0;
    for (const std::vector<Span>& of_device : spans)
        count += of_device.size();
    simulation.timeline.spans.reserve(count);
    for (std::size_t d = 0; d < devices; ++d) {
        simulation.timeline.spans.insert(simulation.timeline.spans.end(), spans[d].begin(), spans[d].end());
        std::vector<Span>().swap(spans[d]);
        simulation.memory.push_back(memory.take(d));
        simulation.peak_memory.push_back(peak_of(simulation.memory.back()));
    }
    return simulation;
}

} // namespace pipebd::schedule
