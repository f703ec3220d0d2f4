// Arguments: what the user typed, checked. All throw Error{BadRequest} that names the option and what would be allowed.
#pragma once

#include "base/error.h"
#include "experiment/experiment.h"
#include "schedule/cluster.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace pipebd::cli {

/// The experiment file with `settings` laid over it. `usage` is shown if no file was named.
experiment::Experiment experiment_from(const std::string& file, const std::vector<std::string>& settings, const std::string& usage);

/// A list, or "auto", for which the engine is asked. `where` names the option or key.
std::vector<experiment::Device> devices_from(const std::string& text, const std::string& where, const std::atomic<bool>& cancel);

/// The devices for an experiment: `option` (of --devices) if it is not empty, else those of the file.
std::vector<experiment::Device> devices_for(
    const experiment::Experiment& experiment, const std::string& option, const std::atomic<bool>& cancel);

/// As devices_from; a number asks for so many of what "auto" would give (GPUs, else cpus), whether they are here or not.
std::vector<experiment::Device> devices_or_count_from(
    const std::string& text, const std::string& where, const std::atomic<bool>& cancel);

/// Whether `text` names a cluster file rather than devices.
bool is_cluster_file(const std::string& text);

/// The devices that a number, a list or a cluster file (its name ends in .toml) describes, whether they are here or not.
schedule::Cluster cluster_from(const std::string& text, const std::string& where);

/// "dp,tr+dpu": strategies that there are; "blockwise", "end-to-end" and "all" stand for all of their kind. Each once.
std::vector<std::string> strategies_from(const std::string& text, const std::string& where);

/// A strategy that can be run, or "auto".
std::string strategy_to_run_from(const std::string& text, const std::string& where);

/// As strategies_from, of strategies that can be run; every one of them if `text` is empty.
std::vector<std::string> strategies_to_run_from(const std::string& text, const std::string& where);

/// "8,16,128": batch sizes, each once; none if `text` is empty.
std::vector<std::int64_t> batch_sizes_from(const std::string& text, const std::string& where);

/// Stages in text form, in the form that to_text gives them.
std::string placement_from(const std::string& text, const std::string& where);

/// What runs the stages that `run` places by hand.
std::string strategy_by_hand(const experiment::Run& run);

/// Throws Error{BadRequest} if `experiment` places stages by hand, for what compares what strategies choose.
void refuse_placement(const experiment::Experiment& experiment);

/// For what compares strategies: the experiment `file` trains a network on labels, which needs none.
Error one_device_only(const std::string& file);

/// A run's number.
int run_id_from(const std::string& text, const std::string& usage);

/// Several, at least one, each once.
std::vector<int> run_ids_from(const std::vector<std::string>& texts, const std::string& usage);

/// "a, b" as its parts without the spaces around them; what is empty is left out.
std::vector<std::string> parts_of(const std::string& list);

} // namespace pipebd::cli
