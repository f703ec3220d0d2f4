// DrawnTimeline: when instructions ran, arranged for drawing, hovering and summing up. Plain data: made in any thread, then only
// read.
#pragma once

#include <QString> // first: moc cannot read <compare> before it

#include "schedule/program.h"
#include "schedule/simulator.h"
#include "schedule/timeline.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace pipebd::gui {

/// What a device is busy with, as far as colours tell it apart. Idle is where no span is.
enum class Activity : std::uint8_t { Load, TeacherForward, StudentForward, StudentBackward, Update, Communication, Barrier };

inline constexpr std::array activities{Activity::Load, Activity::TeacherForward, Activity::StudentForward,
    Activity::StudentBackward, Activity::Update, Activity::Communication, Activity::Barrier};

/// A loss counts as student backward, a momentum teacher's update as update.
Activity activityOf(schedule::Op op);

struct DrawnSpan {
    double start = 0; // ms
    double end = 0;
    int step = 0;
    int phase = 0;
    int index = 0; // of the instruction in its device's program of that phase
    Activity activity = Activity::Load;
};

/// Spans by start. Those of a device's own work do not overlap, transfers may.
struct Track {
    std::vector<DrawnSpan> spans;
    std::vector<double> reach; // the latest end of a span and all before it

    /// The first span that may end after `time`; spans.size() if there is none.
    std::size_t firstEndingAfter(double time) const;
    /// Of the spans at `time` the one that began last; if there is none, the nearest that is at most `tolerance` ms away.
    std::optional<std::size_t> at(double time, double tolerance) const;
};

struct DrawnDevice {
    QString name;
    Track work;
    Track communication; // beside it
    std::vector<schedule::MemoryPoint> memory; // may be empty

    const Track& track(bool ofCommunication) const { return ofCommunication ? communication : work; }
};

struct DrawnTimeline {
    enum class Kind { Predicted, Measured };

    QString name;
    Kind kind = Kind::Predicted;
    std::shared_ptr<const schedule::Program> program;
    std::vector<DrawnDevice> devices;
    double begin = 0; // ms, of the first span; 0 if that is later
    double end = 0; // ms, of the last span
    double stepPeriod = 0; // ms a step of all blocks once the pipeline is filled; 0 if the spans do not tell

    double length() const { return end - begin; }
    std::size_t spanCount() const;
    const schedule::Instruction& instruction(std::size_t device, const DrawnSpan& span) const;
    schedule::Timeline timeline() const; // the same spans as core has them
};

using DrawnTimelinePtr = std::shared_ptr<const DrawnTimeline>;

/// Thread-safe, pure. Spans of instructions that `program` does not have are left out. Devices are called `deviceNames`, those
/// beyond them "device 3".
DrawnTimelinePtr drawnTimeline(const QString& name, std::shared_ptr<const schedule::Program> program,
    const schedule::Timeline& timeline, std::vector<std::vector<schedule::MemoryPoint>> memory = {},
    DrawnTimeline::Kind kind = DrawnTimeline::Kind::Predicted, const std::vector<QString>& deviceNames = {});

/// One span of one of several timelines.
struct SpanPlace {
    std::size_t timeline = 0;
    std::size_t device = 0;
    bool communication = false;
    std::size_t span = 0; // of its track

    bool operator==(const SpanPlace&) const = default;
};

} // namespace pipebd::gui
