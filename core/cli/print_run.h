// How a run looks on a terminal.
#pragma once

#include "store/run_record.h"

#include <string>

namespace pipebd::cli {

/// State, what was measured beside what was predicted, losses, accuracy, folder; for a failed run the error and its
/// rank's last lines.
std::string run_text(const store::RunRecord& run);

/// "cpu,cpu"
std::string devices_text(const store::RunRecord& run);

} // namespace pipebd::cli
