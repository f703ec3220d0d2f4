// RunTimelines: when the instructions of a stored run ran, by prediction and as measured.
#pragma once

#include "schedule/simulator.h"
#include "store/run_record.h"
#include "store/run_store.h"

#include <cstddef>
#include <string>

namespace pipebd::store {

struct RunTimelines {
    schedule::Program program;
    schedule::Simulation predicted; // on the profile that the run was planned with; empty if it was not planned
    schedule::Timeline measured; // of the steps that were measured
};

/// `steps` of each phase are simulated; 0: see schedule::SimulationOptions. Throws Error{Damaged} or {BadRequest} if what is stored
/// cannot be read.
RunTimelines timelines_of(const RunStore& store, int steps = 0);

/// The newest measured steps of a run beside what was predicted for them, as Chrome trace JSON (docs/formats/trace.md).
struct RunTrace {
    std::string json;
    std::size_t predicted = 0; // instructions in it
    std::size_t measured = 0;
};

/// Throws like timelines_of(), and Error{NotFound} if no step was measured.
RunTrace trace_of(const RunRecord& run);

} // namespace pipebd::store
