// Arguments: what the user typed, checked. All throw Error{BadRequest} that names the option and what would be allowed.
#pragma once

#include "experiment/experiment.h"

#include <atomic>
#include <string>
#include <vector>

namespace pipebd::cli {

/// The experiment file with `settings` laid over it. `usage` is shown if no file was named.
experiment::Experiment experiment_from(const std::string& file, const std::vector<std::string>& settings, const std::string& usage);

/// A list, or "auto", for which the engine is asked. `where` names the option or key.
std::vector<experiment::Device> devices_from(const std::string& text, const std::string& where, const std::atomic<bool>& cancel);

/// The devices for an experiment: `option` (of --devices) if it is not empty, else those of the file. "auto" never gives more
/// devices than the pair has blocks.
std::vector<experiment::Device> devices_for(
    const experiment::Experiment& experiment, const std::string& option, const std::atomic<bool>& cancel);

/// As devices_from; a number asks for so many of what "auto" would give (GPUs, else cpus, however many cores there are).
std::vector<experiment::Device> devices_or_count_from(
    const std::string& text, const std::string& where, const std::atomic<bool>& cancel);

/// How many devices a list or a number names.
int device_count_from(const std::string& text, const std::string& where);

/// "dp,tr+dpu": strategies that there are.
std::vector<std::string> strategies_from(const std::string& text, const std::string& where);

/// A run's number.
int run_id_from(const std::string& text, const std::string& usage);

} // namespace pipebd::cli
