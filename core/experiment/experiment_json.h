// An experiment as a JSON value; for this folder only.
#pragma once

#include "experiment/experiment.h"

#include <nlohmann/json.hpp>

#include <string_view>

namespace pipebd::experiment {

nlohmann::ordered_json json_of(const Experiment& experiment);

/// Unknown keys are let be, missing ones have their defaults. Throws Error{BadRequest} whose place is `where` and the path.
Experiment experiment_of(const nlohmann::json& json, std::string_view where);

/// Parses `text`; throws Error{Damaged} if it is not JSON.
nlohmann::json parse_json(std::string_view text, std::string_view where);

} // namespace pipebd::experiment
