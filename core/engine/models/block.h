// Block: one part of a teacher or student, from tensor to tensor. Pair: a teacher and a student cut into the same blocks.
//
// Activations are [batch, channels, height, width] in channels-last memory order (measured to be twice as fast on a CPU), or
// [batch, features]. Everything a block draws at random is a function of seed, step and place, never of rank or order.
#pragma once

#include "engine/models/description.h"
#include "engine/transport/group.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// A parameter (trained) or buffer (batch-norm statistics); `name` as in the model's Python state_dict.
struct NamedTensor {
    std::string name;
    at::Tensor tensor;
};

/// What a forward pass depends on beside its input.
struct Context {
    bool training = false; // batch norm uses and follows batch statistics
    std::uint64_t seed = 0;
    std::int64_t step = 0; // of training; chooses a supernet's path
    std::int64_t first_row = 0; // which of the global batch's rows is the input's first; chooses a sample's dropout masks
    Group* group = nullptr; // null: alone. With others: batch statistics are taken over the whole group's batch
    bool architecture = false; // a supernet's output carries gradients to its architecture parameters instead of its weights
    /// When training, this batch's weight in running statistics instead of the layer's own.
    std::optional<double> batch_norm_momentum = std::nullopt;
};

class Block {
public:
    virtual ~Block() = default;

    virtual at::Tensor forward(const at::Tensor& input, const Context& context) = 0;

    const std::vector<NamedTensor>& parameters() const { return parameters_; }
    const std::vector<NamedTensor>& buffers() const { return buffers_; }

    /// Indices of the parameters that a step with this context updates; all of them unless the block is a supernet.
    virtual std::vector<std::size_t> active_parameters(const Context& context) const;

    /// Gives each cell of a supernet block an architecture parameter [candidates], "...cells.N.architecture", whose softmax is the
    /// probability with which its candidates are drawn; near zero, a function of the block's seed. Does nothing to other blocks.
    virtual void add_architecture_parameters() { }

    /// Indices of those parameters.
    virtual std::vector<std::size_t> architecture_parameters() const { return {}; }

    /// For architecture.json: the choices of a supernet block, by cell; empty for others.
    struct Cell {
        std::string name;
        std::vector<std::string> candidates;
        std::vector<double> probabilities; // by candidate; empty: all the same
    };
    virtual std::vector<Cell> cells() const { return {}; }

    /// What the block computes, step after step, with the names of its tensors; of a cell, the candidate that is chosen. Empty: it
    /// cannot be described. Throws Error{BadRequest} for a cell whose candidate is drawn anew at every step.
    virtual std::vector<Description> description() const { return {}; }

    /// Makes of a frozen block one that computes the same in evaluation mode, to rounding, in less time and of fewer tensors: batch
    /// norms become part of the convolutions before them. In double precision, a function of the tensors' values alone. Afterwards
    /// the block can be run and moved, but not trained, saved or loaded. Does nothing where there is nothing to fold.
    virtual void fold() { }

    /// Makes later forwards use these candidates (one a cell) instead of drawing; empty: draw again.
    virtual void choose(std::vector<int> candidates);

    /// Leaves nothing of each cell but the candidate of this name, for good: the others' tensors are gone, those that stay keep
    /// their names and values, and the block has no cells any more. A block without cells takes an empty list. Throws
    /// Error{BadRequest} that names the cell and its candidates.
    virtual void derive(const std::vector<std::string>& chosen);

protected:
    std::vector<NamedTensor> parameters_;
    std::vector<NamedTensor> buffers_;
};

/// What the first block takes, one sample of it.
struct Input {
    std::vector<std::int64_t> shape; // [channels, height, width] of an image, [tokens] of a text
    std::int64_t vocabulary = 0; // of a text, whose tokens are int64 below this; 0: values of floating point

    bool is_text() const { return vocabulary > 0; }
};

/// A teacher and a student, cut into the same blocks. Built in, or imported; described by data, made block by block so that a rank
/// holds only what it owns.
class Pair {
public:
    virtual ~Pair() = default;

    virtual std::string_view name() const = 0;
    virtual std::vector<std::string> block_names() const = 0;

    virtual Input input() const = 0;
    virtual int classes() const = 0; // what the last block gives, [batch, classes]

    /// Freshly initialised as a function of `seed` and the parameters' names, or, of an imported pair, as in the file that was
    /// imported; on the CPU, float32. A teacher block is made ready to
    /// be trained (its parameters require gradients); who only runs it freezes it.
    virtual std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const = 0;
    virtual std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const = 0;

    /// Whether make_teacher() gives a trained teacher by itself.
    virtual bool teacher_has_weights() const { return false; }

    /// The teacher's weights that come with the pair: a safetensors file in memory, and its SHA-256 as recorded when it was
    /// trained. Empty if none do. If make_teacher() has them, the SHA-256 is that of where they come from.
    virtual std::span<const std::byte> teacher_weights() const { return {}; }
    virtual std::string_view teacher_weights_sha256() const { return {}; }
};

/// A student block as an architecture has it: make_student(), then derive().
std::unique_ptr<Block> make_derived(const Pair& pair, int block, std::uint64_t seed, const std::vector<std::string>& chosen);

/// Fills the block's parameters and buffers by name. Throws Error{BadRequest} for a file of another kind than safetensors, with
/// what to do instead, Error{Damaged} naming the tensor that is missing or of another shape, or neither F32 nor F64.
void load_weights(Block& block, std::span<const std::byte> safetensors, const std::string& where);

/// Moves parameters and buffers to `device`, in place, those of floating point as `dtype`.
void move_to(Block& block, at::Device device, at::ScalarType dtype = at::kFloat);

/// No parameter requires a gradient any more.
void freeze(Block& block);

std::int64_t bytes_of(const std::vector<NamedTensor>& tensors);

} // namespace pipebd::engine
