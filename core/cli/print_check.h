// What `pipebd run --check` prints.
#pragma once

#include "cli/context.h"
#include "experiment/stages.h"
#include "launch/engine_queries.h"
#include "launch/training.h"
#include "store/resumption.h"

#include <optional>
#include <string>
#include <vector>

namespace pipebd::cli {

/// A stage that can be run.
struct CheckedStage {
    experiment::StageKind stage = experiment::StageKind::Distil;
    launch::TrainingRequest request;
    launch::Checked answer; // of the engine
    std::string warning; // that the run would give, in one line; empty: none
};

/// `stages` in order, at least one; `kept` is what a resumed run keeps of the one before.
void print_check(const Context& context, const std::vector<CheckedStage>& stages, const std::optional<store::Resumption>& kept);

} // namespace pipebd::cli
