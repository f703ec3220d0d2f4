// Precision: the dtype that blocks compute in, as a scope. float32 and float64 change nothing, they are what weights and inputs
// are in; bfloat16 is autocast on this thread, over float32 weights.
#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <string_view>

namespace pipebd::engine {

class Precision {
public:
    /// Throws Error{BadRequest} for another dtype.
    Precision(std::string_view dtype, c10::DeviceType device);
    ~Precision();
    Precision(const Precision&) = delete;

private:
    c10::DeviceType device_;
    bool autocast_;
    bool was_enabled_ = false;
};

/// The dtype of weights, optimizer state and inputs in a run of `dtype`.
at::ScalarType weight_dtype(std::string_view dtype);

/// The dtype in which a teacher's outputs are relayed in a run of `dtype`.
at::ScalarType relay_dtype(std::string_view dtype);

} // namespace pipebd::engine
