// The checksum of a network's weights, by which those in a model file are known from others: as resources/python/export_pair.py
// prints it.
#pragma once

#include "base/checksum.h"

#include <ATen/core/Tensor.h>

#include <string>

namespace pipebd::engine {

/// Adds a tensor of the state_dict: name, shape, type and values. All are to be added in the order of their names.
void add_weights(Sha256& checksum, const std::string& name, const at::Tensor& tensor);

} // namespace pipebd::engine
