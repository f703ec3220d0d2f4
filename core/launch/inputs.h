// Inputs: the files that a run began with, by what is in them, so that a lab or a data set that was moved is known again.
#pragma once

#include "experiment/experiment.h"

#include <filesystem>
#include <map>
#include <string>

namespace pipebd::launch {

/// By key of the experiment ("student.weights", "data.path"): SHA-256. Kept as the document "inputs" of a run
/// (docs/formats/lab.md).
using Inputs = std::map<std::string, std::string>;

inline constexpr const char* inputs_document = "inputs";

/// Of every file or folder that `experiment` names; those that cannot be read are left out.
Inputs inputs_of(const experiment::Experiment& experiment);

std::string to_json(const Inputs& inputs);
/// Empty if there is none, or it cannot be read.
Inputs inputs_from_json(const std::string& json);

/// SHA-256 over the files below `path`, or the one it is: name below it, size and, as long as they are not more than 10,000 of
/// 1 GiB together, contents. Hidden files do not count. Throws Error{NotFound} or {System}.
std::string digest_of_data(const std::filesystem::path& path);

} // namespace pipebd::launch
