// SteadyStep: how long a step of a finished run took once it was under way, so that runs over the same batches compare.
#pragma once

#include "store/run_store.h"

#include <cstdint>

namespace pipebd::launch {

/// Milliseconds of one step of all blocks: of the slowest rank, its means summed over phases. Means, because batches cost what they
/// cost (a supernet samples other paths for each) and a pipeline's ranks are fast and slow in turns; the first fifth of a phase,
/// one step at least, is left out: caches warm up, the pipeline fills. `steps` of each phase. 0 if nothing was measured.
double steady_step(const store::RunStore& run, std::int64_t steps);

} // namespace pipebd::launch
