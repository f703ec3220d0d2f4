#include "schedule/comparison.h"

#include "base/statistics.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace pipebd::schedule {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

constexpr std::array<Op, 11> kinds_in_order{Op::Load, Op::Receive, Op::TeacherForward, Op::Send, Op::StudentForward, Op::Loss,
    Op::StudentBackward, Op::AllReduce, Op::Update, Op::TeacherUpdate, Op::Barrier};

using InstructionPlace = std::tuple<int, int, int>; // phase, device, index

std::map<InstructionPlace, double> medians(const Timeline& timeline)
{
    std::map<InstructionPlace, std::vector<double>> lengths;
    for (const Span& span : timeline.spans)
        lengths[{span.phase, span.device, span.index}].push_back(span.end - span.start);
    std::map<InstructionPlace, double> result;
    for (auto& [place, all] : lengths)
        result[place] = median(all);
    return result;
}

void add(std::optional<double>& sum, const std::map<InstructionPlace, double>& times, const InstructionPlace& place)
{
    const auto found = times.find(place);
    if (found == times.end())
        sum.reset();
    else if (sum)
        *sum += found->second;
}

struct Steps {
    int first = 0;
    int last = -1;
    int count() const { return last - first + 1; }
};

/// The newest in a row of `phase` of which every device that takes part has spans.
Steps newest_steps(const Program& program, const Timeline& timeline, int phase, int most)
{
    std::map<int, std::set<int>> devices; // by step
    for (const Span& span : timeline.spans)
        if (span.phase == phase)
            devices[span.step].insert(span.device);
    const std::vector<DeviceProgram>& all = program.phases[static_cast<std::size_t>(phase)].devices;
    const auto needed = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const DeviceProgram& device) { return !device.instructions.empty(); }));
    Steps steps;
    for (const auto& [step, seen] : devices) {
        if (step < 0 || seen.size() < needed)
            continue;
        if (step != steps.last + 1)
            steps.first = step;
        steps.last = step;
    }
    steps.first = std::max(steps.first, steps.last - most + 1);
    return steps;
}

/// So many of the second half of `phase`'s steps, or all of it.
Steps steady_steps(const Timeline& simulated, int phase, int count)
{
    int last = -1;
    for (const Span& span : simulated.spans)
        if (span.phase == phase)
            last = std::max(last, span.step);
    const int first = (last + 1) / 2;
    return {first, std::min(last, first + count - 1)};
}

/// The spans of some steps of a phase.
struct Cut {
    std::vector<Span> spans;
    double begin = never; // when the first of the steps begins to compute
    double start = never; // of the first span
    double end = -never; // of the last
};

Cut cut(const Timeline& timeline, int phase, Steps steps, const std::vector<bool>& devices)
{
    Cut cut;
    for (const Span& span : timeline.spans) {
        if (span.phase != phase || span.step < steps.first || span.step > steps.last
            || !devices[static_cast<std::size_t>(span.device)])
            continue;
        cut.spans.push_back(span);
        cut.start = std::min(cut.start, span.start);
        cut.end = std::max(cut.end, span.end);
        if (!span.communication && span.step == steps.first)
            cut.begin = std::min(cut.begin, span.start);
    }
    if (cut.begin == never)
        cut.begin = cut.start;
    return cut;
}

/// Moves the spans of `cut` so that it begins to compute at `begin`; returns when it ends.
double append(const Cut& cut, double begin, Timeline& timeline)
{
    if (cut.spans.empty())
        return begin;
    for (Span span : cut.spans) {
        span.start += begin - cut.begin;
        span.end += begin - cut.begin;
        timeline.spans.push_back(span);
    }
    return cut.end + begin - cut.begin;
}

void append(const std::vector<MemoryPoint>& points, const Cut& cut, double begin, std::vector<MemoryPoint>& all)
{
    if (cut.spans.empty())
        return;
    std::int64_t before = 0;
    std::vector<MemoryPoint> inside;
    for (const MemoryPoint& point : points) {
        if (point.time <= cut.start)
            before = point.bytes;
        else if (point.time <= cut.end)
            inside.push_back({point.time + begin - cut.begin, point.bytes});
    }
    all.push_back({cut.start + begin - cut.begin, before});
    all.insert(all.end(), inside.begin(), inside.end());
}

void sort_by_start(Timeline& timeline)
{
    std::stable_sort(timeline.spans.begin(), timeline.spans.end(),
        [](const Span& a, const Span& b) { return std::tie(a.device, a.start) < std::tie(b.device, b.start); });
}

/// The devices of `phase` in sets that nothing passes between: what one does when tells nothing of another.
std::vector<std::vector<bool>> independent_devices(const Program& program, int phase)
{
    const std::vector<DeviceProgram>& all = program.phases[static_cast<std::size_t>(phase)].devices;
    std::vector<std::size_t> set_of(all.size());
    std::iota(set_of.begin(), set_of.end(), std::size_t{0});
    const auto join = [&](std::size_t device, int other) {
        const std::size_t from = set_of[static_cast<std::size_t>(other)];
        std::replace(set_of.begin(), set_of.end(), from, std::size_t{set_of[device]});
    };
    for (std::size_t device = 0; device < all.size(); ++device) {
        for (const Instruction& instruction : all[device].instructions) {
            if (instruction.op == Op::Send || instruction.op == Op::Receive)
                join(device, instruction.peer);
            for (int other : instruction.group)
                join(device, other);
            if (instruction.op == Op::Barrier)
                return {std::vector<bool>(all.size(), true)};
        }
    }
    std::map<std::size_t, std::vector<bool>> sets;
    for (std::size_t device = 0; device < all.size(); ++device)
        sets.try_emplace(set_of[device], all.size()).first->second[device] = true;
    std::vector<std::vector<bool>> result;
    for (auto& [first, devices] : sets)
        result.push_back(std::move(devices));
    return result;
}

} // namespace

std::string_view kind_of(Op op)
{
    switch (op) {
    case Op::Load:
        return "load";
    case Op::Receive:
        return "receive";
    case Op::Send:
        return "send";
    case Op::TeacherForward:
        return "teacher forward";
    case Op::StudentForward:
        return "student forward";
    case Op::Loss:
        return "loss";
    case Op::StudentBackward:
        return "student backward";
    case Op::AllReduce:
        return "all-reduce";
    case Op::Update:
        return "update";
    case Op::TeacherUpdate:
        return "teacher update";
    case Op::Barrier:
        break;
    }
    return "barrier";
}

std::optional<double> KindTime::error() const
{
    if (!predicted || !measured || *predicted <= 0 || *measured <= 0)
        return std::nullopt;
    return *predicted / *measured - 1;
}

std::vector<KindTime> compare(const Program& program, const Timeline& predicted, const Timeline& measured)
{
    const std::map<InstructionPlace, double> predicted_times = medians(predicted);
    const std::map<InstructionPlace, double> measured_times = medians(measured);
    std::map<Op, KindTime> by_op;
    for (std::size_t p = 0; p < program.phases.size(); ++p)
        for (std::size_t d = 0; d < program.phases[p].devices.size(); ++d) {
            const std::vector<Instruction>& instructions = program.phases[p].devices[d].instructions;
            for (std::size_t i = 0; i < instructions.size(); ++i) {
                const Op op = instructions[i].op;
                KindTime& time = by_op.try_emplace(op, KindTime{kind_of(op), 0.0, 0.0}).first->second;
                const InstructionPlace place{static_cast<int>(p), static_cast<int>(d), static_cast<int>(i)};
                add(time.predicted, predicted_times, place);
                add(time.measured, measured_times, place);
            }
        }
    std::vector<KindTime> result;
    for (Op op : kinds_in_order)
        if (const auto found = by_op.find(op); found != by_op.end())
            result.push_back(found->second);
    return result;
}

SideBySide side_by_side(const Program& program, const Simulation& simulation, const Timeline& measured, int most)
{
    SideBySide both;
    both.predicted.devices = both.measured.devices = program.devices();
    both.memory.resize(simulation.memory.size());
    double end = 0;
    for (int phase = 0; phase < static_cast<int>(program.phases.size()); ++phase) {
        const Steps steps = newest_steps(program, measured, phase, most);
        if (steps.count() <= 0)
            continue;
        const Steps steady = steady_steps(simulation.timeline, phase, steps.count());
        const double phase_begin = end;
        for (const std::vector<bool>& devices : independent_devices(program, phase)) {
            const Cut seen = cut(measured, phase, steps, devices);
            if (seen.spans.empty())
                continue;
            const Cut foreseen = cut(simulation.timeline, phase, steady, devices);
            // What moves before the step computes stays behind the phase before.
            const double begin
                = phase_begin + std::max(seen.begin - seen.start, foreseen.spans.empty() ? 0 : foreseen.begin - foreseen.start);
            for (std::size_t device = 0; device < both.memory.size(); ++device)
                if (devices[device])
                    append(simulation.memory[device], foreseen, begin, both.memory[device]);
            end = std::max({end, append(seen, begin, both.measured), append(foreseen, begin, both.predicted)});
        }
    }
    sort_by_start(both.predicted);
    sort_by_start(both.measured);
    return both;
}

} // namespace pipebd::schedule
