// A run as the JSON that `pipebd runs --json` prints and `metrics.json` holds (docs/formats/runs.md).
#pragma once

#include "store/annotation.h"
#include "store/run_details.h"
#include "store/run_record.h"
#include "store/run_store.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pipebd::launch {

/// An array of what is known of each run at a glance, and what was said of it, by id.
std::string runs_to_json(const std::vector<store::RunRecord>& runs, const std::map<int, store::Annotation>& annotations);

/// One run with its settings (the resolved experiment of its spec; `null` if the run has none), results and prediction. If there
/// are `earlier` stages, with a summary of each, and at last of itself: {"stages": [{"stage", "id", "evaluation"}]}.
std::string run_to_json(const store::RunRecord& run, const store::RunDetails& details,
    const std::vector<store::RunRecord>& earlier = {}, const store::Annotation& annotation = {});

/// The same with every curve of `store`: {"series": [{"name", "rank", "block", "step", "t", "value"}]}, the last three arrays.
std::string metrics_to_json(
    const store::RunRecord& run, const store::RunStore& store, const std::vector<store::RunRecord>& earlier = {});

/// {"spec", "commands"}: of a run that is only prepared, what starts its ranks, by machine.
std::string prepared_to_json(
    const std::filesystem::path& spec, const std::vector<std::string>& commands, const std::vector<std::string>& launch);

} // namespace pipebd::launch
