// Failure: why a rank did not do its work, and which of several failures is the cause of the others.
#pragma once

#include "base/error.h"
#include "experiment/metrics.h"
#include "launch/supervisor.h"

#include <chrono>
#include <map>

namespace pipebd::launch {

struct Failure {
    Error error;
    std::chrono::steady_clock::time_point when;
    bool may_be_consequence = false; // says that a peer has vanished, or what that looks like from within
};

/// What a rank says by an `error` metric.
Failure failure_said(const experiment::Metric& metric, int rank, std::chrono::steady_clock::time_point when);

/// Whether `a` rather than `b` is the cause: one that cannot be a consequence before one that may be, then the earlier.
bool is_cause_before(const Failure& a, const Failure& b);

/// The outcome of a job whose rank `culprit` failed first; what the others say are consequences, but for those that were cancelled.
Outcome failed_outcome(int culprit, const std::map<int, Failure>& by_rank);

} // namespace pipebd::launch
