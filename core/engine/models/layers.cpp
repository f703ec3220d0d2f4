#include "engine/models/layers.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>

#include <cmath>
#include <iterator>

namespace pipebd::engine {

namespace {

constexpr double classifier_deviation = 0.01;

std::vector<Description> step(const char* type)
{
    return {{.type = type, .name = {}, .arguments = {}, .parts = {}}};
}

} // namespace

Linear::Linear(TensorMaker maker, int in, int out, double deviation)
    : name_(maker.name())
    , weight_(maker.normal("weight", {out, in}, deviation))
    , bias_(maker.constant("bias", {out}, 0))
{
}

at::Tensor Linear::forward(const at::Tensor& input, const Context&)
{
    return at::linear(input, weight_, bias_);
}

std::vector<Description> Linear::description() const
{
    return {{.type = "linear", .name = name_, .arguments = {{"in", weight_.size(1)}, {"out", weight_.size(0)}}, .parts = {}}};
}

LinearUnit::LinearUnit(TensorMaker maker, int in, int out, Activation activation)
    : linear_(std::move(maker), in, out, activation == Activation::None ? classifier_deviation : std::sqrt(2.0 / in))
    , activation_(activation)
{
}

at::Tensor LinearUnit::forward(const at::Tensor& input, const Context& context)
{
    return activate(linear_.forward(input.flatten(1), context), activation_);
}

std::vector<Description> LinearUnit::description() const
{
    std::vector<Description> steps = step("flatten");
    std::ranges::move(linear_.description(), std::back_inserter(steps));
    std::ranges::move(describe(activation_), std::back_inserter(steps));
    return steps;
}

Classifier::Classifier(TensorMaker maker, int in, int classes)
    : linear_(std::move(maker), in, classes, classifier_deviation)
{
}

at::Tensor Classifier::forward(const at::Tensor& input, const Context& context)
{
    return linear_.forward(input.mean({2, 3}), context);
}

std::vector<Description> Classifier::description() const
{
    std::vector<Description> steps = step("mean");
    std::ranges::move(linear_.description(), std::back_inserter(steps));
    return steps;
}

MaxPool::MaxPool(int kernel, int stride, int padding)
    : kernel_(kernel)
    , stride_(stride)
    , padding_(padding)
{
}

at::Tensor MaxPool::forward(const at::Tensor& input, const Context&)
{
    return at::max_pool2d(input, kernel_, stride_, padding_);
}

std::vector<Description> MaxPool::description() const
{
    std::vector<Description> steps = step("max_pool");
    steps[0].arguments
        = {{"kernel", std::int64_t{kernel_}}, {"stride", std::int64_t{stride_}}, {"padding", std::int64_t{padding_}}};
    return steps;
}

at::Tensor Chain::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = canonical(input);
    for (const std::unique_ptr<Layer>& layer : layers_)
        output = layer->forward(output, context);
    return canonical(output);
}

std::vector<Description> Chain::description() const
{
    std::vector<Description> steps;
    for (const std::unique_ptr<Layer>& layer : layers_)
        std::ranges::move(layer->description(), std::back_inserter(steps));
    return steps;
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

TensorMaker Chain::maker(std::string_view network, std::uint64_t seed)
{
    return {network, seed, parameters_, buffers_};
}

TensorMaker Chain::maker(std::string_view network, std::uint64_t seed, std::string_view prefix)
{
    return maker(network, seed).part(prefix);
}

} // namespace pipebd::engine
