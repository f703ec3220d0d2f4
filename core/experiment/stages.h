// Stages: the life of a pair as separate trainings, each an experiment of its own.
#pragma once

#include "experiment/experiment.h"

#include <string_view>
#include <vector>

namespace pipebd::experiment {

enum class StageKind {
    Teacher, // the teacher, end to end on labels
    Distil, // the student from the teacher, block by block; a supernet's is derived at its end
    Finetune, // the distilled student, end to end on labels
};

std::string_view to_string(StageKind stage); // "teacher", "distil", "finetune"

/// "teacher,distil" as stages in the order in which they are done. Throws Error{BadRequest} whose place is `where`.
std::vector<StageKind> parse_stages(std::string_view list, std::string_view where);

/// The stage that [train] describes.
StageKind stage_of(const Experiment& experiment);

/// The stages that `experiment` asks for, in order: that one, and those that have a section.
std::vector<StageKind> stages_of(const Experiment& experiment);

/// `experiment` as the training of one stage: what the stage's section gives is laid over [train], and there are no stages any
/// more. The weights to begin from are left as they are.
Experiment of_stage(const Experiment& experiment, StageKind stage);

} // namespace pipebd::experiment
