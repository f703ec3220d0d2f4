// TimelineSums: what lies in a selection of times and rows, by activity and by device.
#pragma once

#include "gui/timeline/drawn_timeline.h"

#include <QString>

#include <cstddef>
#include <vector>

namespace pipebd::gui {

/// Milliseconds [from, to].
struct TimeRange {
    double from = 0;
    double to = 0;

    double length() const { return to - from; }
    bool operator==(const TimeRange&) const = default;
};

/// One device of one of several timelines.
struct RowPlace {
    std::size_t timeline = 0;
    std::size_t device = 0;

    bool operator==(const RowPlace&) const = default;
};

/// Of all instructions of an activity that the selection touches: the time that lies in it; the other figures are of whole
/// instructions. Milliseconds.
struct ActivitySum {
    Activity activity = Activity::Load;
    double total = 0;
    std::size_t count = 0;
    double min = 0;
    double mean = 0;
    double p50 = 0;
    double p95 = 0; // the smallest length that 95 % do not exceed
    double max = 0;
};

/// Milliseconds of the selection, as far as it lies within the timeline, in which a device works and in which it does not.
/// Communication beside its work and barriers count as neither work.
struct DeviceSum {
    RowPlace row;
    QString timeline;
    QString device;
    double busy = 0;
    double idle = 0;
};

struct TimelineSums {
    TimeRange times;
    std::vector<ActivitySum> activities; // those that occur, in the order of Activity
    std::vector<DeviceSum> devices; // a row each

    bool empty() const { return devices.empty(); }
};

/// Rows that `timelines` do not have are left out. Pure.
TimelineSums sumsOf(const std::vector<DrawnTimelinePtr>& timelines, TimeRange times, const std::vector<RowPlace>& rows);

} // namespace pipebd::gui
