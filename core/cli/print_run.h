// How a run looks on a terminal.
#pragma once

#include "store/annotation.h"
#include "store/run_details.h"
#include "store/run_record.h"

#include <string>

namespace pipebd::cli {

/// State, what was measured beside what was predicted, losses, accuracy, memory, folder; for a failed run the error and its rank's
/// last lines. Then the prediction's error by kind of instruction, if there is one.
std::string run_text(const store::RunRecord& run, const store::RunDetails& details, const store::Annotation& annotation = {});

/// "cpu,cpu"
std::string devices_text(const store::RunRecord& run);

} // namespace pipebd::cli
