// Tensors to and from safetensors files.
#pragma once

#include "base/safetensors.h"
#include "engine/models/block.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pipebd::engine {

at::ScalarType scalar_type(DType dtype);

std::string shape_text(at::IntArrayRef shape); // "[3, 32, 32]"

/// Writes the tensors, wherever and in whatever memory order they are, atomically. Throws like write_safetensors.
void write_tensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
    const std::map<std::string, std::string>& metadata = {});

/// Fills `into`, in place, from the tensor of its name. Throws Error{Damaged} with `where` and the name if there is none, or one of
/// another shape, or one that is neither F32 nor F64; whole numbers are filled from numbers of their own type.
void read_tensor(NamedTensor into, const SafetensorsFile& file, const std::string& where);

} // namespace pipebd::engine
