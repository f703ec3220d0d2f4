// What `pipebd run --check` prints.
#pragma once

#include "cli/context.h"
#include "experiment/stages.h"
#include "launch/engine_queries.h"
#include "launch/training.h"
#include "store/resumption.h"

#include <optional>
#include <vector>

namespace pipebd::cli {

/// `checked` is the engine's answer to `request`, the first of `stages`; `kept` is what a resumed run keeps of the one before.
void print_check(const Context& context, const launch::TrainingRequest& request, const launch::Checked& checked,
    const std::vector<experiment::StageKind>& stages, const std::optional<store::Resumption>& kept);

} // namespace pipebd::cli
