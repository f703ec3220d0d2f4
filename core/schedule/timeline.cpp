#include "schedule/timeline.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>

namespace pipebd::schedule {

double Timeline::length() const
{
    double end = 0;
    for (const Span& span : spans)
        end = std::max(end, span.end);
    return end;
}

std::vector<double> busy_time(const Timeline& timeline)
{
    std::vector<double> busy(static_cast<std::size_t>(timeline.devices));
    for (const Span& span : timeline.spans)
        if (!span.communication && span.device >= 0 && span.device < timeline.devices)
            busy[static_cast<std::size_t>(span.device)] += span.end - span.start;
    return busy;
}

std::vector<double> busy_share(const Timeline& timeline)
{
    struct Step {
        double begin = 0;
        double end = 0;
        double busy = 0;
    };
    std::map<std::pair<int, int>, std::map<int, Step>> phases; // by device and phase, then step
    for (const Span& span : timeline.spans) {
        if (span.communication)
            continue;
        Step& step = phases[{span.device, span.phase}].try_emplace(span.step, Step{span.start, span.end, 0}).first->second;
        step.begin = std::min(step.begin, span.start);
        step.end = std::max(step.end, span.end);
        step.busy += span.end - span.start;
    }
    std::vector<Step> whole(static_cast<std::size_t>(timeline.devices)); // of each device, all phases one after another
    for (const auto& [place, steps] : phases) {
        Step& all = whole[static_cast<std::size_t>(place.first)];
        const Step& first = steps.begin()->second;
        const Step& last = steps.rbegin()->second;
        all.end += (steps.size() > 1 ? last.begin : last.end) - first.begin;
        for (auto step = steps.begin(); step != steps.end(); ++step)
            if (steps.size() == 1 || std::next(step) != steps.end())
                all.busy += step->second.busy;
    }
    std::vector<double> share;
    for (const Step& all : whole)
        share.push_back(all.end > 0 ? std::min(1.0, all.busy / all.end) : 0);
    return share;
}

} // namespace pipebd::schedule
