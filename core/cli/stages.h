// Stages: which trainings of an experiment are to be run, where each has its weights from, and how to go on when one has ended.
#pragma once

#include "cli/context.h"
#include "experiment/stages.h"
#include "store/lab.h"

#include <optional>
#include <string>
#include <vector>

namespace pipebd::cli {

/// Those of the list `named` (of --stage), or all that `experiment` has if it is empty. Throws Error{BadRequest} for one that the
/// experiment does not have.
std::vector<experiment::StageKind> stages_to_run(const experiment::Experiment& experiment, const std::string& named);

/// The run `id` (of --from), whose results `stage` begins with. Throws Error{BadRequest} unless it has finished and is of a stage
/// before, {NotFound} if there is no such run.
store::RunRecord run_before(const store::Lab& lab, const std::string& id, experiment::StageKind stage);

/// `experiment`, of a stage, with the weights and the architecture that `before` has left. Throws Error{NotFound} if it has left
/// none.
experiment::Experiment with_results(experiment::Experiment experiment, const store::RunRecord& before);

/// `experiment`, of a stage, without what the stage before has yet to leave.
experiment::Experiment before_results(experiment::Experiment experiment);

/// Throws Error{BadRequest} if `stage` of `experiment` needs the results of a stage before that is neither run nor named.
void require_weights(const experiment::Experiment& experiment, experiment::StageKind stage);

/// `run` and those whose results it began with, the first first; those that the lab does not have are left out.
std::vector<store::RunRecord> life_of(const store::Lab& lab, const store::RunRecord& run);

/// A table of teacher, derived and fine-tuned student, as far as `life` tells: accuracies, multiply-accumulates, parameters.
std::string life_text(const std::vector<store::RunRecord>& life);

} // namespace pipebd::cli
