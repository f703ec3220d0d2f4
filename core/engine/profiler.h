// Profiler: measures what each block of a pair costs on these ranks' kind of device, as it will be run.
//
// Every rank measures at the same time, because in a run every rank works at the same time. Each figure is the median of repeats
// after a warm-up; of a supernet's block the mean of that over paths that stand for all (sampled_paths.h), and gradients are
// all-reduced as large as they are on average. The spread, (p90 - p10) / median of all repeats of all paths, is kept beside it.
// Memory is that of the largest path. Batch sizes are ceil(batch / g) for every g up to the number of ranks; those of g > 1 are
// measured with batch norm synchronised over the first g ranks, where the experiment has it so, while the others do the same work
// alone.
#pragma once

#include "engine/data/data_set.h"
#include "engine/device/backend.h"
#include "engine/report/reporter.h"
#include "engine/training/models.h"
#include "schedule/profile.h"

#include <cstdint>
#include <span>

namespace pipebd::engine {

/// The edges and groups that profiling on `ranks` ranks uses.
Topology profiling_topology(int ranks);

/// Collective over all ranks; the result is rank 0's. `further`: samples to measure besides those that so many ranks need, by each
/// rank alone.
schedule::Profile measure_profile(const experiment::Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend,
    Transport& transport, Reporter& reporter, std::span<const std::int64_t> further = {});

} // namespace pipebd::engine
