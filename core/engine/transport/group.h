// Group: the ranks that share a block, as far as a layer needs to know of them.
#pragma once

#include <ATen/core/Tensor.h>

namespace pipebd::engine {

class Group {
public:
    virtual ~Group() = default;

    virtual int size() const = 0;

    /// Sums `tensor` (contiguous) over the group, in place, before anything later on this rank's device uses it.
    /// Every rank calls it in the same order.
    virtual void sum(at::Tensor& tensor) = 0;
};

} // namespace pipebd::engine
