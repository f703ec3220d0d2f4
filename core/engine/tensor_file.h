// Tensors to and from safetensors files.
#pragma once

#include "base/safetensors.h"
#include "engine/block.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pipebd::engine {

/// Writes the tensors, wherever and in whatever memory order they are, atomically. Throws like write_safetensors.
void write_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
    const std::map<std::string, std::string>& metadata = {});

} // namespace pipebd::engine
