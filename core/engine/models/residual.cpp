#include "engine/models/residual.h"

#include <iterator>
#include <string>
#include <utility>

namespace pipebd::engine {

namespace {

std::vector<ConvolutionUnit> units_of(const TensorMaker& maker, const InvertedResidual::Shape& shape, Naming naming)
{
    const int middle = shape.in * shape.expansion;
    const Convolution::Shape expand{.in = shape.in, .out = middle};
    const Convolution::Shape depthwise{
        .in = middle, .out = middle, .kernel = shape.kernel, .stride = shape.stride, .groups = middle};
    const Convolution::Shape project{.in = middle, .out = shape.out};

    std::vector<ConvolutionUnit> units;
    if (naming == Naming::Ours) {
        if (shape.expansion != 1)
            units.emplace_back(maker.part("expand"), expand, Activation::Relu6);
        units.emplace_back(maker.part("depthwise"), depthwise, Activation::Relu6);
        units.emplace_back(maker.part("project"), project, Activation::None);
        return units;
    }
    int place = 0;
    const auto next = [&] { return maker.part("conv").part(std::to_string(place++)); };
    if (shape.expansion != 1)
        units.emplace_back(next(), expand, Activation::Relu6, naming);
    units.emplace_back(next(), depthwise, Activation::Relu6, naming);
    const TensorMaker convolution = next(), norm = next();
    units.emplace_back(convolution, norm, project, Activation::None);
    return units;
}

} // namespace

Residual::Residual(std::vector<ConvolutionUnit> units, Sum sum, std::optional<ConvolutionUnit> shortcut, Activation activation)
    : units_(std::move(units))
    , sum_(sum)
    , shortcut_(std::move(shortcut))
    , activation_(activation)
{
}

at::Tensor Residual::forward(const at::Tensor& input, const Context& context)
{
    at::Tensor output = input;
    for (ConvolutionUnit& unit : units_)
        output = unit.forward(output, context);
    if (sum_ != Sum::None)
        output = output.add_(sum_ == Sum::Input ? input : shortcut_->forward(input, context));
    return activate(output, activation_);
}

std::vector<Description> Residual::description() const
{
    std::vector<Description> units;
    for (const ConvolutionUnit& unit : units_)
        std::ranges::move(unit.description(), std::back_inserter(units));
    if (sum_ != Sum::None)
        units = {{.type = "residual", .name = {}, .arguments = {}, .parts = {std::move(units)}}};
    if (sum_ == Sum::Shortcut)
        units.back().parts.push_back(shortcut_->description());
    std::ranges::move(describe(activation_), std::back_inserter(units));
    return units;
}

std::vector<at::Tensor> Residual::fold()
{
    std::vector<at::Tensor> unused;
    for (ConvolutionUnit& unit : units_)
        std::ranges::move(unit.fold(), std::back_inserter(unused));
    if (shortcut_)
        std::ranges::move(shortcut_->fold(), std::back_inserter(unused));
    return unused;
}

InvertedResidual::InvertedResidual(TensorMaker maker, Shape shape, Naming naming)
    : Residual(units_of(maker, shape, naming), shape.stride == 1 && shape.in == shape.out ? Sum::Input : Sum::None)
{
}

} // namespace pipebd::engine
