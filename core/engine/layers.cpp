#include "engine/layers.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/linear.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace pipebd::engine {

Convolution::Convolution(TensorMaker maker, Shape shape)
    : shape_(shape)
    , weight_(maker.normal("weight", {shape.out, shape.in / shape.groups, shape.kernel, shape.kernel},
          std::sqrt(2.0 / (shape.out * shape.kernel * shape.kernel))))
{
}

at::Tensor Convolution::forward(const at::Tensor& input, const Context&)
{
    return at::conv2d(input, weight_, bias_, shape_.stride, shape_.kernel / 2, 1, shape_.groups);
}

std::vector<at::Tensor> Convolution::fold(BatchNorm& norm)
{
    std::vector<at::Tensor> unused;
    bias_ = norm.fold_into(weight_, unused);
    return unused;
}

ConvolutionUnit::ConvolutionUnit(TensorMaker maker, Convolution::Shape shape, bool activated)
    : convolution_(maker.part("conv"), shape)
    , norm_(maker.part("norm"), shape.out)
    , activated_(activated)
{
}

at::Tensor ConvolutionUnit::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = convolution_.forward(input, context);
    if (!folded_)
        output = norm_.forward(output, context);
    return activated_ ? at::hardtanh_(output, 0, 6) : output; // nobody else has seen this output
}

std::vector<at::Tensor> ConvolutionUnit::fold()
{
    if (std::exchange(folded_, true))
        return {};
    return convolution_.fold(norm_);
}

InvertedResidual::InvertedResidual(TensorMaker maker, Shape shape)
    : residual_(shape.stride == 1 && shape.in == shape.out)
{
    const int middle = shape.in * shape.expansion;
    if (shape.expansion != 1)
        units_.emplace_back(maker.part("expand"), Convolution::Shape{.in = shape.in, .out = middle}, true);
    units_.emplace_back(maker.part("depthwise"),
        Convolution::Shape{.in = middle, .out = middle, .kernel = shape.kernel, .stride = shape.stride, .groups = middle}, true);
    units_.emplace_back(maker.part("project"), Convolution::Shape{.in = middle, .out = shape.out}, false);
}

at::Tensor InvertedResidual::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = input;
    for (ConvolutionUnit& unit : units_)
        output = unit.forward(output, context);
    return residual_ ? output.add_(input) : output;
}

std::vector<at::Tensor> InvertedResidual::fold()
{
    std::vector<at::Tensor> unused;
    for (ConvolutionUnit& unit : units_)
        std::ranges::move(unit.fold(), std::back_inserter(unused));
    return unused;
}

Classifier::Classifier(TensorMaker maker, int in, int classes)
    : weight_(maker.normal("weight", {classes, in}, 0.01))
    , bias_(maker.constant("bias", {classes}, 0))
{
}

at::Tensor Classifier::forward(const at::Tensor& input, const Context&)
{
    return at::linear(input.mean({2, 3}), weight_, bias_);
}

at::Tensor Chain::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = canonical(input);
    for (const std::unique_ptr<Layer>& layer : layers_)
        output = layer->forward(output, context);
    return canonical(output);
}

void Chain::fold()
{
    for (const std::unique_ptr<Layer>& layer : layers_) {
        for (const at::Tensor& unused : layer->fold()) {
            const auto is_it = [&](const NamedTensor& named) { return named.tensor.is_same(unused); };
            std::erase_if(parameters_, is_it);
            std::erase_if(buffers_, is_it);
        }
    }
}

TensorMaker Chain::maker(std::string_view network, std::uint64_t seed, std::string_view prefix)
{
    return TensorMaker(network, seed, parameters_, buffers_).part(prefix);
}

} // namespace pipebd::engine
