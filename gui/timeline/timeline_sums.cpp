#include "gui/timeline/timeline_sums.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pipebd::gui {

namespace {

struct Lengths {
    double inside = 0; // the selection
    std::vector<double> all;
};

/// The smallest that so great a share of `lengths` does not exceed. Reorders them.
double percentile(std::vector<double>& lengths, double share)
{
    const auto count = static_cast<double>(lengths.size());
    const auto rank = static_cast<std::ptrdiff_t>(std::max(0.0, std::ceil(share * count - 1e-9) - 1));
    std::nth_element(lengths.begin(), lengths.begin() + rank, lengths.end());
    return lengths[static_cast<std::size_t>(rank)];
}

ActivitySum sumOf(Activity activity, Lengths& lengths)
{
    ActivitySum sum{activity, lengths.inside, lengths.all.size()};
    double total = 0;
    for (const double length : lengths.all)
        total += length;
    sum.mean = total / static_cast<double>(lengths.all.size());
    const auto [min, max] = std::minmax_element(lengths.all.begin(), lengths.all.end());
    sum.min = *min;
    sum.max = *max;
    sum.p50 = percentile(lengths.all, 0.5);
    sum.p95 = percentile(lengths.all, 0.95);
    return sum;
}

} // namespace

TimelineSums sumsOf(const std::vector<DrawnTimelinePtr>& timelines, TimeRange times, const std::vector<RowPlace>& rows)
{
    TimelineSums sums;
    sums.times = times;
    std::array<Lengths, activities.size()> lengths;
    for (const RowPlace& place : rows) {
        if (place.timeline >= timelines.size() || place.device >= timelines[place.timeline]->devices.size())
            continue;
        const DrawnTimeline& timeline = *timelines[place.timeline];
        const DrawnDevice& device = timeline.devices[place.device];
        DeviceSum sum{place, timeline.name, device.name};
        double busyUntil = times.from; // measured spans may overlap by a hair
        for (const bool communication : {false, true}) {
            const Track& track = device.track(communication);
            for (std::size_t i = track.firstEndingAfter(times.from); i < track.spans.size(); ++i) {
                const DrawnSpan& span = track.spans[i];
                if (span.start >= times.to)
                    break;
                if (span.end <= times.from)
                    continue;
                Lengths& of = lengths[static_cast<std::size_t>(span.activity)];
                of.inside += std::min(span.end, times.to) - std::max(span.start, times.from);
                of.all.push_back(span.end - span.start);
                if (communication || span.activity == Activity::Barrier)
                    continue;
                sum.busy += std::max(0.0, std::min(span.end, times.to) - std::max(span.start, busyUntil));
                busyUntil = std::max(busyUntil, span.end);
            }
        }
        const double within = std::min(times.to, timeline.end) - std::max(times.from, timeline.begin);
        sum.idle = std::max(0.0, within - sum.busy);
        sums.devices.push_back(std::move(sum));
    }
    for (const Activity activity : activities)
        if (Lengths& of = lengths[static_cast<std::size_t>(activity)]; !of.all.empty())
            sums.activities.push_back(sumOf(activity, of));
    return sums;
}

} // namespace pipebd::gui
