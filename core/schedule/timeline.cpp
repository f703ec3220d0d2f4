#include "schedule/timeline.h"

#include <algorithm>
#include <cstddef>

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

} // namespace pipebd::schedule
