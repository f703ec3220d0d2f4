// RunDetails: what is known of a run beyond its record: what it was asked to do, and where its prediction was off.
#pragma once

#include "schedule/comparison.h"
#include "store/run_record.h"
#include "store/run_store.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pipebd::store {

struct RunDetails {
    std::string damage; // damage_of(); empty if it is as it was sealed
    std::string spec; // pipebd.spec/1; empty if there is none
    std::vector<schedule::KindTime> kinds; // empty unless both were planned and measured
    std::vector<std::int64_t> planned_memory; // bytes, by rank; empty if it was not planned
    std::vector<std::int64_t> peak_memory; // bytes of tensors, by rank; empty if not measured
    std::map<std::string, double> evaluation; // by name, as the ranks report it (docs/formats/metrics.md)
};

RunDetails details_of(const RunStore& store); // without `damage`

/// What cannot be read is left empty: the run's record says what is wrong.
RunDetails details_of(const RunRecord& run);

} // namespace pipebd::store
