// Layer: a part of a block, and the maker of its tensors.
//
// Feature maps are [batch, channels, height, width], channels last. Layers share the tensors that they make with their block, so
// what is done to the block's tensors in place (loading, moving, updating) is done to the layers.
#pragma once

#include "engine/models/block.h"
#include "engine/models/description.h"

#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// Makes the tensors of one block. Initial values are a function of seed, network and name alone, so that they are the same
/// whichever blocks a rank makes.
class TensorMaker {
public:
    TensorMaker(
        std::string_view network, std::uint64_t seed, std::vector<NamedTensor>& parameters, std::vector<NamedTensor>& buffers);

    /// The same for the part `name` of what this one makes; names are joined by dots, as in a Python state_dict.
    TensorMaker part(std::string_view name) const;

    /// Parameters: drawn from a normal distribution around 0, or all of one value. 4-D ones are channels last.
    at::Tensor normal(std::string_view name, at::IntArrayRef shape, double deviation);
    at::Tensor constant(std::string_view name, at::IntArrayRef shape, double value);
    at::Tensor buffer(std::string_view name, at::IntArrayRef shape, double value);

    std::size_t parameters_made() const { return parameters_->size(); }

    /// What the names of what it makes begin with: "blocks.0.stem."; the same without its last dot.
    const std::string& prefix() const { return prefix_; }
    std::string name() const { return prefix_.substr(0, prefix_.size() - 1); }

private:
    at::Tensor keep(std::string_view name, at::Tensor tensor);

    std::uint64_t seed_;
    std::string prefix_;
    std::vector<NamedTensor>* parameters_;
    std::vector<NamedTensor>* buffers_;
};

/// While one lives, parameters that this thread makes are 0 instead of random: quickly made, for who asks for shapes and costs.
class Unfilled {
public:
    Unfilled();
    ~Unfilled();
    Unfilled(const Unfilled&) = delete;

private:
    bool before_;
};

class Layer {
public:
    virtual ~Layer() = default;
    virtual at::Tensor forward(const at::Tensor& input, const Context& context) = 0;

    /// What Block::description() says, for this layer.
    virtual std::vector<Description> description() const = 0;

    /// What Block::fold() says, for this layer. Returns the tensors that forward() no longer uses.
    virtual std::vector<at::Tensor> fold() { return {}; }
};

/// The same values with the one memory layout a block ever sees: channels last for feature maps, strides of dimensions of size 1
/// included, so that kernels, and with them the bits of results, do not depend on how a tensor came.
at::Tensor canonical(const at::Tensor& tensor);

} // namespace pipebd::engine
