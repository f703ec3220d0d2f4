// Profiler: measures what each block of a pair costs on these ranks' kind of device, as it will be run.
//
// Every rank measures at the same time, because in a run every rank works at the same time. Each figure is the median of repeats
// after a warm-up that runs the same supernet paths once, averaged over those paths; the spread, (p90 - p10) / median, is kept
// beside it. Batch sizes are ceil(batch / g) for every g up to the number of ranks; those of g > 1 are measured with batch norm
// synchronised over g ranks, where the experiment has it so.
#pragma once

#include "engine/backend.h"
#include "engine/data.h"
#include "engine/models.h"
#include "engine/reporter.h"
#include "schedule/profile.h"

namespace pipebd::engine {

/// The edges and groups that profiling on `ranks` ranks uses.
Topology profiling_topology(int ranks);

/// Collective over all ranks; the result is rank 0's.
schedule::Profile measure_profile(const experiment::Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend,
    Transport& transport, Reporter& reporter);

} // namespace pipebd::engine
