// Engine: the commands of pipebd-engine.
#pragma once

#include "engine/report/reporter.h"
#include "experiment/run_spec.h"

#include <filesystem>
#include <string_view>

namespace pipebd::engine {

/// Trains this rank's part of the run; the place comes from the environment (Rendezvous).
void train(const experiment::RunSpec& spec, Reporter& reporter);

/// Measures and reports a profile; one process for each device of the spec.
void profile(const experiment::RunSpec& spec, Reporter& reporter);

/// Looks for everything that the user named, without training: pair, weights, data. Says hello with the steps that there are to do.
void check(const experiment::RunSpec& spec, Reporter& reporter);

/// Says hello with how many samples of the test data the teacher classifies right.
void evaluate(const experiment::RunSpec& spec, Reporter& reporter);

/// Says hello for every pair that is built in.
void list_pairs(Reporter& reporter);

/// Says hello with the description of a pair (pipebd.pair-description/1): a built-in one by its name, or the one imported into
/// `folder`.
void show_pair(std::string_view name, const std::filesystem::path& folder, Reporter& reporter);

/// Says hello for every device of this machine.
void list_devices(Reporter& reporter);

} // namespace pipebd::engine
