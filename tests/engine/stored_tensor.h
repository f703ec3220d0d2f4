// A tensor out of a safetensors file that another program has written.
#pragma once

#include "base/safetensors.h"
#include "engine/models/tensor_file.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstring>
#include <string>

namespace pipebd::engine {

/// A copy; undefined if there is none of that name.
inline at::Tensor tensor_of(const SafetensorsFile& file, const std::string& name)
{
    const TensorView* view = file.find(name);
    if (!view)
        return {};
    at::Tensor tensor = at::empty(view->shape, at::TensorOptions(scalar_type(view->dtype)));
    std::memcpy(tensor.mutable_data_ptr(), view->data.data(), view->data.size());
    return tensor;
}

} // namespace pipebd::engine
