// Residual: units that are added to what they began with.
#pragma once

#include "engine/models/convolution.h"

#include <optional>
#include <vector>

namespace pipebd::engine {

/// Units one after another, then the sum with the input, then an activation.
class Residual : public Layer {
public:
    enum class Sum { None, Input, Shortcut }; // with nothing, the input as it is, what the unit `shortcut` makes of it

    Residual(std::vector<ConvolutionUnit> units, Sum sum, std::optional<ConvolutionUnit> shortcut = {},
        Activation activation = Activation::None);

    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;
    std::vector<at::Tensor> fold() override;

private:
    std::vector<ConvolutionUnit> units_;
    Sum sum_;
    std::optional<ConvolutionUnit> shortcut_;
    Activation activation_;
};

/// The inverted residual of MobileNetV2 (CVPR 2018): "expand" 1x1 (unless expansion is 1), "depthwise", "project" 1x1, in
/// torchvision "conv.0", "conv.1", and "conv.2" with "conv.3"; added to its input where stride is 1 and the width stays.
class InvertedResidual : public Residual {
public:
    struct Shape {
        int in = 1;
        int out = 1;
        int stride = 1;
        int kernel = 3;
        int expansion = 6;
    };

    InvertedResidual(TensorMaker maker, Shape shape, Naming naming = Naming::Ours);
};

} // namespace pipebd::engine
