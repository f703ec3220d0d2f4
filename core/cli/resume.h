// Resume: the checkpoint that a run is to go on from, and the experiment that it goes on with.
#pragma once

#include "cli/context.h"
#include "experiment/checkpoint_manifest.h"
#include "experiment/stages.h"
#include "launch/inputs.h"
#include "launch/training.h"
#include "store/resumption.h"

#include <string>
#include <string_view>
#include <vector>

namespace pipebd::cli {

struct ResumePoint {
    int run = 0;
    std::filesystem::path checkpoint;
    experiment::CheckpointManifest manifest;
    std::string experiment_text; // the run's experiment file as it was
    std::filesystem::path pair_folder; // of the imported pair that was trained; empty: it is built in
    experiment::StageKind stage = experiment::StageKind::Distil; // of the run
    int weights_from = 0; // as in its record
    store::Resumption resumption; // what is kept and what is repeated
    bool is_finished = false; // the run
    std::filesystem::path experiment_file; // of the run
    launch::Inputs inputs; // that it began with
};

/// Of the run `id`, the checkpoint `name`: "round-000000120" or 120, "best" (the smallest loss), or "" for the newest. Every byte
/// of it is checked. Throws Error{BadRequest} for a run that is not over, {NotFound} if there is no such run or checkpoint,
/// {Damaged} or {Newer} for one that cannot be used: the remedy names the newest that can.
ResumePoint resume_point(const store::Lab& lab, const std::string& id, const std::string& name);

/// The file that the run of `point` began with, named `was` then, as `key` of its experiment: the one that the run before it has
/// left in this lab, if its contents are the same (a copied lab does not look into the one that it was copied from), else `was`.
/// Throws Error{NotFound} if neither is there, {BadRequest} with both checksums if what is there is another.
std::string input_of(const store::Lab& lab, const ResumePoint& point, const std::string& key, const std::string& was);

/// Throws Error{BadRequest} if `experiment` is not the training that `point` was part of: anything but name, schedule, devices,
/// checkpoints, length and how a student is derived is another; so is data elsewhere unless its contents are the same.
void check_same_training(const experiment::Experiment& experiment, const ResumePoint& point);

/// Throws Error{BadRequest} if the run has finished, and neither its length nor what its student is derived by is other than it
/// was: nothing would be done that is not done. The remedy is to go on with the stage `next`, if there is one, to train longer, or
/// to start the experiment again.
void check_unfinished(const experiment::Experiment& experiment, const ResumePoint& point, std::string_view next);

/// Throws Error{BadRequest} if the imported pair in `folder` is not the one that was trained but another of its name.
void check_same_pair(const std::filesystem::path& folder, const ResumePoint& point);

/// Throws Error{BadRequest} if a block has been trained for more than `steps`.
launch::TrainingRequest::Resumed resumed_from(const ResumePoint& point, std::int64_t steps);

} // namespace pipebd::cli
