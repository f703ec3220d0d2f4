// Layers: what the built-in blocks are made of.
#pragma once

#include "engine/batch_norm.h"
#include "engine/layer.h"

#include <memory>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// Without bias, padded so that stride 1 keeps height and width. Kaiming-normal (fan out) weights.
class Convolution : public Layer {
public:
    struct Shape {
        int in = 1;
        int out = 1;
        int kernel = 1;
        int stride = 1;
        int groups = 1;
    };

    Convolution(TensorMaker maker, Shape shape);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;

    /// Takes over what `norm`, which comes after it, does in evaluation mode. Returns the tensors that are no longer used.
    std::vector<at::Tensor> fold(BatchNorm& norm);

private:
    Shape shape_;
    at::Tensor weight_;
    at::Tensor bias_; // once a batch norm has been folded into it
};

/// Convolution, batch norm ("conv", "norm"), and ReLU6 if `activated`.
class ConvolutionUnit : public Layer {
public:
    ConvolutionUnit(TensorMaker maker, Convolution::Shape shape, bool activated);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<at::Tensor> fold() override;

private:
    Convolution convolution_;
    BatchNorm norm_;
    bool folded_ = false; // the batch norm is part of the convolution
    bool activated_;
};

/// The inverted residual of MobileNetV2 (CVPR 2018): "expand" 1x1 (unless expansion is 1), "depthwise", "project" 1x1; added to its
/// input where stride is 1 and the width stays.
class InvertedResidual : public Layer {
public:
    struct Shape {
        int in = 1;
        int out = 1;
        int stride = 1;
        int kernel = 3;
        int expansion = 6;
    };

    InvertedResidual(TensorMaker maker, Shape shape);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<at::Tensor> fold() override;

private:
    std::vector<ConvolutionUnit> units_;
    bool residual_;
};

/// Mean over height and width, then a linear layer: [batch, channels, height, width] to [batch, classes].
class Classifier : public Layer {
public:
    Classifier(TensorMaker maker, int in, int classes);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;

private:
    at::Tensor weight_;
    at::Tensor bias_;
};

/// A block that is one layer after another.
class Chain : public Block {
public:
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    void fold() override;

    void add(std::unique_ptr<Layer> layer) { layers_.push_back(std::move(layer)); }

    /// Of the block's own tensors; `prefix` as in "blocks.0".
    TensorMaker maker(std::string_view network, std::uint64_t seed, std::string_view prefix);

private:
    std::vector<std::unique_ptr<Layer>> layers_;
};

} // namespace pipebd::engine
