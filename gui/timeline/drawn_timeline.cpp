#include "gui/timeline/drawn_timeline.h"

#include <QCoreApplication>

#include <algorithm>
#include <map>
#include <utility>

namespace pipebd::gui {

namespace {

void finish(Track& track)
{
    std::stable_sort(
        track.spans.begin(), track.spans.end(), [](const DrawnSpan& a, const DrawnSpan& b) { return a.start < b.start; });
    track.reach.reserve(track.spans.size());
    double reach = 0;
    for (const DrawnSpan& span : track.spans) {
        reach = track.reach.empty() ? span.end : std::max(reach, span.end);
        track.reach.push_back(reach);
    }
}

/// Starts of a device's first instruction of a phase, by step.
using Starts = std::map<int, double>;

/// The mean distance of two steps in the second half of them; 0 if there are not two.
double periodOf(const Starts& starts)
{
    if (starts.size() < 2)
        return 0;
    const auto middle = std::next(starts.begin(), static_cast<std::ptrdiff_t>((starts.size() - 1) / 2));
    const auto last = std::prev(starts.end());
    return (last->second - middle->second) / (last->first - middle->first);
}

double stepPeriodOf(const DrawnTimeline& timeline)
{
    double sum = 0;
    for (int phase = 0; phase < static_cast<int>(timeline.program->phases.size()); ++phase) {
        double slowest = 0;
        for (const DrawnDevice& device : timeline.devices) {
            std::map<int, Starts> byIndex;
            for (const DrawnSpan& span : device.work.spans)
                if (span.phase == phase && (byIndex.empty() || span.index <= byIndex.begin()->first))
                    byIndex[span.index][span.step] = span.start;
            if (!byIndex.empty())
                slowest = std::max(slowest, periodOf(byIndex.begin()->second));
        }
        sum += slowest;
    }
    return sum;
}

} // namespace

Activity activityOf(schedule::Op op)
{
    using schedule::Op;
    switch (op) {
    case Op::Load:
        return Activity::Load;
    case Op::TeacherForward:
        return Activity::TeacherForward;
    case Op::StudentForward:
        return Activity::StudentForward;
    case Op::Loss:
    case Op::StudentBackward:
        return Activity::StudentBackward;
    case Op::Update:
    case Op::TeacherUpdate:
        return Activity::Update;
    case Op::Receive:
    case Op::Send:
    case Op::AllReduce:
        return Activity::Communication;
    case Op::Barrier:
        break;
    }
    return Activity::Barrier;
}

std::size_t Track::firstEndingAfter(double time) const
{
    return static_cast<std::size_t>(std::upper_bound(reach.begin(), reach.end(), time) - reach.begin());
}

std::optional<std::size_t> Track::at(double time, double tolerance) const
{
    std::optional<std::size_t> found;
    double distance = tolerance;
    for (std::size_t i = firstEndingAfter(time - tolerance); i < spans.size() && spans[i].start <= time + tolerance; ++i) {
        const double away = std::max({0.0, spans[i].start - time, time - spans[i].end});
        if (away <= distance) {
            found = i;
            distance = away;
        }
    }
    return found;
}

std::size_t DrawnTimeline::spanCount() const
{
    std::size_t count = 0;
    for (const DrawnDevice& device : devices)
        count += device.work.spans.size() + device.communication.spans.size();
    return count;
}

const schedule::Instruction& DrawnTimeline::instruction(std::size_t device, const DrawnSpan& span) const
{
    return program->phases[static_cast<std::size_t>(span.phase)].devices[device].instructions[static_cast<std::size_t>(span.index)];
}

schedule::Timeline DrawnTimeline::timeline() const
{
    schedule::Timeline result;
    result.devices = static_cast<int>(devices.size());
    result.spans.reserve(spanCount());
    for (std::size_t device = 0; device < devices.size(); ++device) {
        const auto first = static_cast<std::ptrdiff_t>(result.spans.size());
        for (const bool communication : {false, true})
            for (const DrawnSpan& span : devices[device].track(communication).spans)
                result.spans.push_back(
                    {static_cast<int>(device), communication, span.phase, span.step, span.index, span.start, span.end});
        std::stable_sort(result.spans.begin() + first, result.spans.end(),
            [](const schedule::Span& a, const schedule::Span& b) { return a.start < b.start; });
    }
    return result;
}

DrawnTimelinePtr drawnTimeline(const QString& name, std::shared_ptr<const schedule::Program> program,
    const schedule::Timeline& timeline, std::vector<std::vector<schedule::MemoryPoint>> memory, DrawnTimeline::Kind kind,
    const std::vector<QString>& deviceNames)
{
    auto drawn = std::make_shared<DrawnTimeline>();
    drawn->name = name;
    drawn->kind = kind;
    drawn->program = std::move(program);
    drawn->devices.resize(static_cast<std::size_t>(drawn->program->devices()));
    for (std::size_t i = 0; i < drawn->devices.size(); ++i) {
        DrawnDevice& device = drawn->devices[i];
        device.name = i < deviceNames.size() ? deviceNames[i] : QCoreApplication::translate("DrawnTimeline", "device %1").arg(i);
        if (i < memory.size())
            device.memory = std::move(memory[i]);
    }
    for (const schedule::Span& span : timeline.spans) {
        const auto device = static_cast<std::size_t>(span.device);
        const auto phase = static_cast<std::size_t>(span.phase);
        if (device >= drawn->devices.size() || phase >= drawn->program->phases.size())
            continue;
        const auto& instructions = drawn->program->phases[phase].devices[device].instructions;
        if (static_cast<std::size_t>(span.index) >= instructions.size())
            continue;
        DrawnDevice& row = drawn->devices[device];
        (span.communication ? row.communication : row.work)
            .spans.push_back({span.start, span.end, span.step, span.phase, span.index,
                activityOf(instructions[static_cast<std::size_t>(span.index)].op)});
        drawn->begin = std::min(drawn->begin, span.start);
        drawn->end = std::max(drawn->end, span.end);
    }
    for (DrawnDevice& device : drawn->devices) {
        finish(device.work);
        finish(device.communication);
    }
    drawn->stepPeriod = stepPeriodOf(*drawn);
    return drawn;
}

} // namespace pipebd::gui
