// Measured timeline: what ranks report of their instructions (docs/formats/metrics.md), made comparable with what is simulated.
#pragma once

#include "schedule/program.h"
#include "schedule/timeline.h"

#include <vector>

namespace pipebd::schedule {

/// The timeline of `program` from its devices' `reports`, in which a Send, Receive, AllReduce or Barrier begins when its device was
/// ready for it. Like the simulator's, it says for all that take part in one that it ran from when the last of them was ready until
/// the last was done. Left out are those of which not everyone has reported, and reports of what the program does not have. Of two
/// reports of the same instruction and step the later counts. `communication` of the reports means nothing.
Timeline measured_timeline(const Program& program, const std::vector<Span>& reports);

} // namespace pipebd::schedule
