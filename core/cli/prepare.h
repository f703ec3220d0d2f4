// Prepare: `pipebd run --prepare`: the stages of an experiment written into a folder that machines share, to be launched there.
#pragma once

#include "cli/commands.h"
#include "experiment/stages.h"
#include "launch/prepared.h"
#include "launch/training.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::cli {

/// `--prepare` and `--machines`, before anything is measured. Throws Error{BadRequest}.
void check_preparation(const RunOptions& options);

/// Throws Error{BadRequest} if a distillation by `ranks` ranks cannot be spread over so many machines.
void check_ranks(int ranks, int machines);

/// In single quotes if the shell would not take it for one word.
std::string shell_word(const std::string& text);

class Preparation {
public:
    /// `folder` is there; it will hold so many stages for so many machines.
    Preparation(std::filesystem::path folder, std::size_t stages, int machines);

    /// `experiment`, of the next stage, with the results that the stage before will have left.
    experiment::Experiment with_coming_results(experiment::Experiment experiment) const;

    /// Writes the next stage, whose ranks are `per_machine` to a machine.
    void add(const std::string& stage, const launch::TrainingRequest& request, int per_machine);

    /// Writes what the launchers read, and says how they are started.
    void finish(const Context& context) const;

private:
    std::vector<std::string> launch_lines() const; // by machine
    std::vector<std::string> torchrun_lines() const; // stage by stage

    std::filesystem::path folder_;
    std::size_t stages_;
    int machines_;
    launch::Prepared prepared_;
};

} // namespace pipebd::cli
