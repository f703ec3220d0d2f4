// Cores: how many there are to be shared among the ranks of a machine.
#pragma once

#include "experiment/run_spec.h"

namespace pipebd::engine {

/// Cores that this process may use: its affinity, and the quota of its control group if there is one.
int usable_cores();

/// Threads that read data beside a rank's loader, if data.workers does not say: none on a CPU, whose ranks compute on all cores;
/// beside a GPU the rank's share of the cores, less the two that the rank and its loader take, at most 16.
int reading_threads(const experiment::RunSpec& spec);

} // namespace pipebd::engine
