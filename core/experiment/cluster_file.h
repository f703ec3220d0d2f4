// Cluster files: the devices and links that a plan is made for, as TOML (docs/formats/cluster.md).
#pragma once

#include "schedule/cluster.h"

#include <filesystem>
#include <string_view>

namespace pipebd::experiment {

inline constexpr int most_devices = 1024;

/// Throws Error{BadRequest} that names `where`, the line and the key for anything that is not a cluster of 1 to most_devices
/// devices.
schedule::Cluster cluster_from_toml(std::string_view toml, std::string_view where);

/// The same of a file. Throws Error{NotFound} or Error{System} as read_file does.
schedule::Cluster read_cluster(const std::filesystem::path& file);

} // namespace pipebd::experiment
