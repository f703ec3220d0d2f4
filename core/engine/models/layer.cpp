#include "engine/models/layer.h"

#include "base/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <utility>

namespace pipebd::engine {

namespace {

thread_local bool unfilled = false;

} // namespace

Unfilled::Unfilled()
    : before_(std::exchange(unfilled, true))
{
}

Unfilled::~Unfilled()
{
    unfilled = before_;
}

TensorMaker::TensorMaker(
    std::string_view network, std::uint64_t seed, std::vector<NamedTensor>& parameters, std::vector<NamedTensor>& buffers)
    : seed_(draw({seed, coordinate(network)}))
    , parameters_(&parameters)
    , buffers_(&buffers)
{
}

TensorMaker TensorMaker::part(std::string_view name) const
{
    TensorMaker maker = *this;
    maker.prefix_ += name;
    maker.prefix_ += '.';
    return maker;
}

at::Tensor TensorMaker::normal(std::string_view name, at::IntArrayRef shape, double deviation)
{
    if (unfilled)
        return constant(name, shape, 0);
    at::Tensor values = at::empty(shape, at::TensorOptions(at::kFloat));
    values.normal_(0, deviation, at::detail::createCPUGenerator(draw({seed_, coordinate(prefix_ + std::string(name))})));
    return keep(name, canonical(values));
}

at::Tensor TensorMaker::constant(std::string_view name, at::IntArrayRef shape, double value)
{
    return keep(name, canonical(at::full(shape, value, at::TensorOptions(at::kFloat))));
}

at::Tensor TensorMaker::buffer(std::string_view name, at::IntArrayRef shape, double value)
{
    at::Tensor tensor = at::full(shape, value, at::TensorOptions(at::kFloat));
    buffers_->push_back({prefix_ + std::string(name), tensor});
    return tensor;
}

at::Tensor TensorMaker::keep(std::string_view name, at::Tensor tensor)
{
    tensor.set_requires_grad(true);
    parameters_->push_back({prefix_ + std::string(name), tensor});
    return tensor;
}

at::Tensor canonical(const at::Tensor& tensor)
{
    if (tensor.dim() != 4)
        return tensor.contiguous();
    const std::int64_t channels = tensor.size(1), width = tensor.size(3), rows = tensor.size(2) * width * channels;
    if (tensor.strides() == at::IntArrayRef({rows, 1, width * channels, channels}))
        return tensor;
    return tensor.clone(at::MemoryFormat::ChannelsLast); // contiguous() would keep the strides of dimensions of size 1
}

} // namespace pipebd::engine
