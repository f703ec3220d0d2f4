// The clock of a run: what every rank's marks and spans are told by.
#pragma once

namespace pipebd::engine {

/// Milliseconds since the run's start: PIPEBD_CLOCK_ZERO (CLOCK_MONOTONIC nanoseconds) if set, else this process's start.
double run_milliseconds();

} // namespace pipebd::engine
