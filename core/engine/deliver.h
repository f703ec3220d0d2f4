// What a run leaves: the trained network as one file, the architecture chosen from a supernet, and what both are worth.
#pragma once

#include "engine/data/data_set.h"
#include "engine/device/backend.h"
#include "engine/report/reporter.h"
#include "engine/training/models.h"
#include "experiment/run_spec.h"

#include <filesystem>

namespace pipebd::engine {

/// Writes student.safetensors into the run's folder and reports evaluations (docs/formats/metrics.md). Of a supernet that was
/// distilled, that is the student derived from it; beside it lie architecture.json and the supernet itself, supernet.safetensors.
void deliver(const experiment::RunSpec& spec, const Pair& pair, const std::filesystem::path& checkpoint, const DataSet& data,
    Backend& backend, Reporter& reporter);

/// Throws Error{BadRequest} if a derived student cannot have the costs that the experiment asks for, or if there is no architecture
/// where one is to be trained.
void check_derivation(const experiment::Experiment& experiment, const Pair& pair);

} // namespace pipebd::engine
