// Convolution, and the unit of it, a batch norm and an activation that most networks are made of.
#pragma once

#include "engine/models/batch_norm.h"
#include "engine/models/layer.h"

#include <string>
#include <vector>

namespace pipebd::engine {

enum class Activation { None, Relu, Relu6 };

/// In place.
at::Tensor activate(at::Tensor values, Activation activation);

/// No steps for None.
std::vector<Description> describe(Activation activation);

/// Padded so that stride 1 keeps height and width. Kaiming-normal (fan out) weights.
class Convolution : public Layer {
public:
    struct Shape {
        int in = 1;
        int out = 1;
        int kernel = 1;
        int stride = 1;
        int groups = 1;
        bool bias = false;
    };

    Convolution(TensorMaker maker, Shape shape);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

    /// Takes over what `norm`, which comes after it, does in evaluation mode. Returns the tensors that are no longer used.
    std::vector<at::Tensor> fold(BatchNorm& norm);

private:
    std::string name_;
    Shape shape_;
    at::Tensor weight_;
    at::Tensor bias_; // its own, or that of a batch norm that has been folded into it
};

/// How the tensors of a network are named: "conv.weight" and "norm.weight" in a unit, or as torchvision has it: by position.
enum class Naming { Ours, Torchvision };

class ConvolutionUnit : public Layer {
public:
    /// Convolution and batch norm are named apart.
    ConvolutionUnit(TensorMaker convolution, TensorMaker norm, Convolution::Shape shape, Activation activation);

    /// Their parts "conv" and "norm"; or, in torchvision's Conv2dNormActivation, "0" and "1".
    ConvolutionUnit(TensorMaker maker, Convolution::Shape shape, Activation activation, Naming naming = Naming::Ours);

    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;
    std::vector<at::Tensor> fold() override;

private:
    Convolution convolution_;
    BatchNorm norm_;
    bool folded_ = false; // the batch norm is part of the convolution
    Activation activation_;
};

} // namespace pipebd::engine
