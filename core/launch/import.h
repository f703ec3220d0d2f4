// Import: a run of the lab made from what ranks have written that were not started by us (docs/formats/metrics.md, Files).
#pragma once

#include "store/lab.h"
#include "store/run_record.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::launch {

struct ImportedRun {
    store::RunRecord record;
    std::vector<std::string> warnings; // a line each: what is missing, or could not be understood and was left out
};

/// `folder` holds spec.json and the rank-N.jsonl of its ranks. The run is finished if every rank has said bye; failed, by the same
/// rules as a run of ours, if one has said `error`; else lost. Its name is `name`, or the experiment's if that is empty. Student,
/// architecture and checkpoints are copied if they are in `folder` or in the spec's.
///
/// Throws Error{NotFound} if there is no spec or no metric of any rank, Error{BadRequest} if the run was imported before (it names
/// it) or the spec cannot be, Error{Newer} for metrics of a later version, Error{DiskFull}, {System}; the lab is then as it was.
/// `before`: the run of the stage before, whose results it began with.
ImportedRun import_run(store::Lab& lab, const std::filesystem::path& folder, const std::string& name,
    const std::optional<store::RunRecord>& before = std::nullopt);

/// As import_run; of a prepared folder (prepared.h) every stage that has begun, in order, each a run. What it throws is of the
/// first stage that cannot be imported; those before it are in the lab then.
std::vector<ImportedRun> import_stages(store::Lab& lab, const std::filesystem::path& folder, const std::string& name);

} // namespace pipebd::launch
