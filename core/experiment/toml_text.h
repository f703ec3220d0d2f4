// TOML text, read with errors of the project; for this folder only.
#pragma once

#include <toml++/toml.h>

#include <string_view>

namespace pipebd::experiment {

/// Throws Error{BadRequest} with `where` and the line for text that is not UTF-8 or not TOML.
toml::table parse_toml(std::string_view text, std::string_view where);

} // namespace pipebd::experiment
