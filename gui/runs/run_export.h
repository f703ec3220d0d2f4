// What of runs is written to files from their table. Not tied to a thread.
#pragma once

#include "gui/runs/run_columns.h"

#include <QString>

#include <vector>

namespace pipebd::gui {

/// By its suffix: csv, or json as `pipebd runs list --json` has it. Throws Error{System} if the file cannot be written.
void exportTable(const std::vector<ListedRun>& runs, const QString& file);

/// The newest measured steps beside what was predicted, as Chrome trace JSON. Throws Error{NotFound} if none was measured.
void exportTrace(const store::RunRecord& run, const QString& file);

} // namespace pipebd::gui
