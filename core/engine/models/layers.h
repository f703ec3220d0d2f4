// Layers: what the built-in blocks are made of beside convolutions, and Chain, the block that is made of layers.
#pragma once

#include "engine/models/residual.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// Over the last dimension; "weight", normal around 0, and "bias", 0.
class Linear : public Layer {
public:
    Linear(TensorMaker maker, int in, int out, double deviation);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    std::string name_;
    at::Tensor weight_;
    at::Tensor bias_;
};

/// Linear on all of a feature map, channel after channel; then an activation, for which its weight is Kaiming-normal (fan in).
class LinearUnit : public Layer {
public:
    LinearUnit(TensorMaker maker, int in, int out, Activation activation);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    Linear linear_;
    Activation activation_;
};

/// Mean over height and width, then Linear: [batch, channels, height, width] to [batch, classes].
class Classifier : public Layer {
public:
    Classifier(TensorMaker maker, int in, int classes);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    Linear linear_;
};

class MaxPool : public Layer {
public:
    MaxPool(int kernel, int stride, int padding);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    int kernel_;
    int stride_;
    int padding_;
};

/// A block that is one layer after another.
class Chain : public Block {
public:
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;
    void fold() override;

    void add(std::unique_ptr<Layer> layer) { layers_.push_back(std::move(layer)); }

    /// Of the block's own tensors.
    TensorMaker maker(std::string_view network, std::uint64_t seed);

    /// Of those whose names begin with `prefix`, as in "blocks.0".
    TensorMaker maker(std::string_view network, std::uint64_t seed, std::string_view prefix);

private:
    std::vector<std::unique_ptr<Layer>> layers_;
};

} // namespace pipebd::engine
