#include "schedule/simulator.h"

#include "base/error.h"
#include "schedule/compiled_phase.h"
#include "schedule/idle_time.h"
#include "schedule/memory_use.h"
#include "schedule/phase_run.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
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

void require_small(const CompiledPhase& phase, int steps)
{
    std::int64_t instructions = 0;
    for (const CompiledDevice& device : phase.devices)
        instructions += static_cast<std::int64_t>(device.instructions.size());
    if (instructions > most_simulated / steps)
        throw Error(Code::OutOfMemory,
            "it is too large to be simulated: " + std::to_string(instructions) + " instructions per step for "
                + std::to_string(steps) + " steps, more than " + std::to_string(most_simulated) + " in all",
            "program", "plan it for fewer devices, blocks or microbatches");
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
        refuse("it uses more devices than there are", "plan it for these devices");
    if (options.steps < 0 || options.buffers < 1)
        refuse(
            "it cannot be simulated for a negative number of steps or without a buffer", "ask for at least 0 steps and 1 buffer");
}

/// Devices that are copies in a folded program get what their models get.
class Simulator {
public:
    Simulator(const Program& program, std::span<const Role> roles, const Costs& costs, const SimulationOptions& options)
        : program_(program)
        , roles_(roles)
        , costs_(costs)
        , options_(options)
        , devices_(static_cast<std::size_t>(program.devices()))
        , spans_(devices_)
        , clocks_(devices_)
        , times_(devices_)
        , memory_(program, costs, options.timeline ? MemoryUse::Keep::Points : MemoryUse::Keep::Peaks)
    {
    }

    Simulation run()
    {
        const std::vector<Training> trainings = trainings_of(program_);
        for (std::size_t phase = 0; phase < program_.phases.size(); ++phase)
            run(phase, trainings[phase]);
        for (std::size_t device = 0; device < devices_; ++device)
            times_[device] = times_[model_of(device)];
        for (const DeviceTime& time : times_)
            result_.step = std::max(result_.step, time.step());
        for (const DeviceTime& time : times_) {
            result_.busy.push_back(time.busy);
            result_.utilisation.push_back(result_.step > 0 ? time.busy / result_.step : 0);
        }
        result_.idle = idle_times(times_, result_.step);
        result_.timeline.devices = static_cast<int>(devices_);
        if (has_memory())
            add_memory();
        if (options_.timeline)
            add_timeline();
        return std::move(result_);
    }

private:
    bool has_memory() const { return options_.timeline || options_.peaks; }

    std::size_t model_of(std::size_t device) const
    {
        return roles_.empty() ? device : static_cast<std::size_t>(roles_[device].model);
    }

    void run(std::size_t p, const Training& training)
    {
        const CompiledPhase phase = compile(program_, p, costs_, training, roles_);
        const int steps = options_.steps > 0 ? options_.steps : 2 * steps_until_steady(phase);
        require_small(phase, steps);
        std::vector<std::vector<Span>> spans(devices_);
        PhaseRun run(phase, steps, options_.buffers, clocks_, has_memory() ? &spans : nullptr, static_cast<int>(p));
        if (!run.run()) {
            const PhaseRun::Stuck stuck = run.stuck();
            throw Error(Code::BadRequest, "the program deadlocks: " + stuck.why, place_of(program_, p, stuck.device, stuck.index),
                "correct the program");
        }
        clocks_ = run.clocks();
        std::vector<DeviceTime> times;
        for (std::size_t d = 0; d < devices_; ++d)
            times.push_back(run.time(d));
        add_held_back(phase, times);
        double fill = 0;
        for (std::size_t d = 0; d < devices_; ++d) {
            times_[d] += times[d];
            fill = std::max(fill, run.fill(d));
            if (has_memory())
                memory_.add(phase, p, d, spans[d], steps);
            if (options_.timeline)
                append(spans_[d], std::move(spans[d]));
        }
        result_.fill += fill;
        settle_memory();
    }

    /// The next phase begins nowhere before the first device has done with this one.
    void settle_memory()
    {
        double next = std::numeric_limits<double>::infinity();
        for (std::size_t d = 0; d < devices_; ++d)
            if (model_of(d) == d)
                next = std::min(next, clocks_[d]);
        for (std::size_t d = 0; has_memory() && d < devices_; ++d)
            if (model_of(d) == d)
                memory_.settle(d, next);
    }

    void add_memory()
    {
        std::vector<std::vector<MemoryPoint>> points(devices_);
        std::vector<std::int64_t> peaks(devices_);
        for (std::size_t device = 0; device < devices_; ++device)
            if (model_of(device) == device) {
                peaks[device] = memory_.peak(device);
                points[device] = memory_.take_points(device);
            }
        for (std::size_t device = 0; device < devices_; ++device) {
            result_.peak_memory.push_back(peaks[model_of(device)]);
            if (model_of(device) != device)
                points[device] = points[model_of(device)];
        }
        if (options_.timeline)
            result_.memory = std::move(points);
    }

    void add_timeline()
    {
        std::size_t count = 0;
        for (std::size_t device = 0; device < devices_; ++device)
            count += spans_[model_of(device)].size();
        std::vector<Span>& all = result_.timeline.spans;
        all.reserve(count);
        for (std::size_t device = 0; device < devices_; ++device) {
            for (Span span : spans_[model_of(device)]) {
                span.device = static_cast<int>(device);
                all.push_back(span);
            }
            if (roles_.empty())
                std::vector<Span>().swap(spans_[device]);
        }
    }

    const Program& program_;
    std::span<const Role> roles_;
    const Costs& costs_;
    const SimulationOptions& options_;
    std::size_t devices_;
    std::vector<std::vector<Span>> spans_; // by device
    std::vector<double> clocks_;
    std::vector<DeviceTime> times_;
    MemoryUse memory_;
    Simulation result_;
};

} // namespace

Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options)
{
    const Cluster cluster = alike(program.devices());
    return simulate(program, Costs(profile, cluster), options);
}

Simulation simulate(const Program& program, const Costs& costs, const SimulationOptions& options)
{
    check(program, costs, options);
    return Simulator(program, {}, costs, options).run();
}

Simulation simulate(const FoldedProgram& folded, const Costs& costs, const SimulationOptions& options)
{
    check(folded.program, costs, options);
    const std::optional<FoldedProgram> finer = refined(folded, costs);
    const FoldedProgram& exact = finer ? *finer : folded;
    return Simulator(exact.program, exact.roles, costs, options).run();
}

} // namespace pipebd::schedule
