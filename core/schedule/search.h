// Search: which contiguous runs of blocks go to how many devices so that the slowest stage is as fast as can be (Pipe-BD, automatic
// hybrid distribution; extended by data loading, memory limits, unequal devices and links).
//
// A candidate cuts the blocks into stages and gives each stage the next devices of the cluster, in the cluster's order, all of
// them. Its cost is the largest Costs::stage of its stages; a candidate with a stage that does not fit the memory limit of one of
// its devices, or that has more devices than the batch has samples, is none. Ties go to fewer stages, then to the
// lexicographically smallest device counts, then to the smallest cuts.
#pragma once

#include "schedule/costs.h"
#include "schedule/schedule.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace pipebd::schedule {

/// How wide a stage may be.
enum class Width { Any, OneDevice };

/// The best candidate; nothing if there is none. Exact.
/// Throws Error{BadRequest} that names what the profile lacks for a stage of any width that is allowed.
std::optional<Candidate> best_candidate(const Costs& costs, Width width = Width::Any);

/// How many candidates there are, whether they fit or not: C(blocks + devices - 2, devices - 1), or C(blocks - 1, devices - 1) with
/// one device a stage; the largest number if that is too small for it.
std::int64_t count_candidates(int blocks, int devices, Width width = Width::Any);

struct Ranking {
    std::vector<Candidate> best; // the first of the ranking, best first, in the order of best_candidate
    std::int64_t candidates = 0; // walked
    std::int64_t feasible = 0; // of those
};

/// Walks every candidate, one after another, and keeps the best `keep`.
Ranking rank_candidates(const Costs& costs, std::size_t keep, Width width = Width::Any);

} // namespace pipebd::schedule
