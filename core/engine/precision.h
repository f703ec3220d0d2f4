// Precision: the dtype that blocks compute in, as a scope. float32 and float64 change nothing, they are what weights and inputs
// are in; bfloat16 is autocast on this thread, over float32 weights.
#pragma once

#include <c10/core/DeviceType.h>

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

} // namespace pipebd::engine
