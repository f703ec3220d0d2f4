// The tables of runs and of comparisons in files: CSV and JSON (docs/formats/runs.md).
#pragma once

#include "store/annotation.h"
#include "store/run_comparison.h"
#include "store/run_record.h"
#include "store/run_store.h"

#include <map>
#include <span>
#include <string>

namespace pipebd::store {

/// A line a run, in their order.
std::string runs_to_csv(std::span<const RunRecord> runs, const std::map<int, Annotation>& annotations);

/// Every sample of a run, a line each, in the order in which they were stored: series, rank, block, step, t, value.
std::string samples_to_csv(const RunStore& store);

/// A line a result and a setting, a column a run.
std::string to_csv(const RunComparison& comparison, bool differences_only = false);

/// pipebd.comparison/1
std::string to_json(const RunComparison& comparison, bool differences_only = false);

} // namespace pipebd::store
