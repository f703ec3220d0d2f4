#include "engine/models/convolution.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/relu.h>

#include <cmath>
#include <iterator>
#include <utility>

namespace pipebd::engine {

at::Tensor activate(at::Tensor values, Activation activation)
{
    if (activation == Activation::Relu)
        return at::relu_(values);
    return activation == Activation::Relu6 ? at::hardtanh_(values, 0, 6) : values;
}

std::vector<Description> describe(Activation activation)
{
    if (activation == Activation::None)
        return {};
    return {{.type = activation == Activation::Relu ? "relu" : "relu6", .name = {}, .arguments = {}, .parts = {}}};
}

Convolution::Convolution(TensorMaker maker, Shape shape)
    : name_(maker.name())
    , shape_(shape)
    , weight_(maker.normal("weight", {shape.out, shape.in / shape.groups, shape.kernel, shape.kernel},
          std::sqrt(2.0 / (shape.out * shape.kernel * shape.kernel))))
{
    if (shape.bias)
        bias_ = maker.constant("bias", {shape.out}, 0);
}

at::Tensor Convolution::forward(const at::Tensor& input, const Context&)
{
    return at::conv2d(input, weight_, bias_, shape_.stride, shape_.kernel / 2, 1, shape_.groups);
}

std::vector<Description> Convolution::description() const
{
    const auto number = [](int value) { return Description::Value(std::int64_t{value}); };
    return {{.type = "convolution",
        .name = name_,
        .arguments = {{"in", number(shape_.in)}, {"out", number(shape_.out)}, {"kernel", number(shape_.kernel)},
            {"stride", number(shape_.stride)}, {"groups", number(shape_.groups)}, {"bias", number(shape_.bias ? 1 : 0)}},
        .parts = {}}};
}

std::vector<at::Tensor> Convolution::fold(BatchNorm& norm)
{
    std::vector<at::Tensor> unused;
    if (bias_.defined())
        unused.push_back(bias_);
    bias_ = norm.fold_into(weight_, bias_, unused);
    return unused;
}

ConvolutionUnit::ConvolutionUnit(TensorMaker convolution, TensorMaker norm, Convolution::Shape shape, Activation activation)
    : convolution_(std::move(convolution), shape)
    , norm_(std::move(norm), shape.out)
    , activation_(activation)
{
}

ConvolutionUnit::ConvolutionUnit(TensorMaker maker, Convolution::Shape shape, Activation activation, Naming naming)
    : ConvolutionUnit(
        maker.part(naming == Naming::Ours ? "conv" : "0"), maker.part(naming == Naming::Ours ? "norm" : "1"), shape, activation)
{
}

at::Tensor ConvolutionUnit::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = convolution_.forward(input, context);
    if (!folded_)
        output = norm_.forward(output, context);
    return activate(output, activation_); // nobody else has seen this output
}

std::vector<Description> ConvolutionUnit::description() const
{
    std::vector<Description> steps = convolution_.description();
    std::ranges::move(norm_.description(), std::back_inserter(steps));
    std::ranges::move(describe(activation_), std::back_inserter(steps));
    return steps;
}

std::vector<at::Tensor> ConvolutionUnit::fold()
{
    if (std::exchange(folded_, true))
        return {};
    return convolution_.fold(norm_);
}

} // namespace pipebd::engine
