// The pairs there are: the built-in ones, by name, and those that were imported.
#pragma once

#include "engine/models/block.h"

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// A built-in pair. Throws Error{NotFound} that lists those there are.
const Pair& find_pair(std::string_view name);
std::vector<std::string_view> pair_names();

/// The pair of a run: the one that was imported into `folder`, or, if that is empty, the built-in one of this name. Throws
/// Error{NotFound}; for an imported one also {Damaged}.
std::shared_ptr<const Pair> open_pair(std::string_view name, const std::filesystem::path& folder);

} // namespace pipebd::engine
