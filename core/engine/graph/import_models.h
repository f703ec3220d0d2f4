// Importing models: the engine's part of `pipebd pairs import`, in a process with limits (launch/pair_import.h).
#pragma once

#include "engine/report/reporter.h"

#include <filesystem>

namespace pipebd::engine {

/// Recognises, cuts and tries the models that `request` (pipebd.import-request/1, docs/formats/pair.md) names, and reports a `pair`
/// metric. Writes nothing. Throws Error{BadRequest} for a file of another kind, with what to do instead, and for TorchScript that
/// is not trusted; else like examine().
void import_models(const std::filesystem::path& request, Reporter& reporter);

} // namespace pipebd::engine
