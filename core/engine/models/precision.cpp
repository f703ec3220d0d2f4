#include "engine/models/precision.h"

#include "base/error.h"

#include <ATen/autocast_mode.h>

namespace pipebd::engine {

Precision::Precision(std::string_view dtype, c10::DeviceType device)
    : device_(device)
    , autocast_(dtype == "bfloat16")
{
    if (!autocast_) {
        if (dtype != "float32" && dtype != "float64")
            throw Error(Code::BadRequest, "'" + std::string(dtype) + "' is not a dtype for training", "run.dtype",
                "use float32, bfloat16 or float64");
        return;
    }
    was_enabled_ = at::autocast::is_autocast_enabled(device_);
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
}

Precision::~Precision()
{
    if (!autocast_)
        return;
    if (at::autocast::decrement_nesting() == 0)
        at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, was_enabled_);
}

at::ScalarType weight_dtype(std::string_view dtype)
{
    return dtype == "float64" ? at::kDouble : at::kFloat;
}

at::ScalarType relay_dtype(std::string_view dtype)
{
    return dtype == "bfloat16" ? at::kBFloat16 : weight_dtype(dtype);
}

} // namespace pipebd::engine
