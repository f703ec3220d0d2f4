// BoundNode: a node of a graph made ready to be called again and again: its operator found, its arguments in the order of the
// operator's schema, values as slots of a frame.
#pragma once

#include "engine/graph/graph_analysis.h"

#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// The values of one forward pass, by slot: tensors and integers.
using Frame = std::vector<c10::IValue>;

/// What arguments depend on beside the frame.
struct Surroundings {
    at::Device device = at::kCPU;
    at::ScalarType weights = at::kFloat; // what float32 of the file is in this run
};

struct BoundNode {
    std::string name; // for errors
    OperatorKind kind = OperatorKind::Ordinary;
    std::optional<c10::OperatorHandle> handle;
    std::string arithmetic; // of OperatorKind::Arithmetic: "mul"
    std::uint64_t place = 0; // of its noise
    double unscaled = 0; // of OperatorKind::Bernoulli: what it gives in evaluation
    bool is_batch_size = false;
    bool in_place = false;

    torch::jit::Stack arguments; // constants; placeholders where an Input puts something else
    struct Input {
        enum class As { Value, NumberTensor, Tensors, OptionalTensors, Integers, Device, ElementType };
        As as = As::Value;
        std::size_t place = 0; // in `arguments`
        std::vector<int> slots; // -1: none (of tensors), the number beside it (of integers)
        std::vector<std::int64_t> numbers;
    };
    std::vector<Input> inputs;
    std::vector<int> outputs; // slots; -1: not kept
    bool output_is_list = false;
    std::vector<int> released; // slots that are not needed after it

    /// The arguments of a call.
    torch::jit::Stack stack(const Frame& frame, const Surroundings& surroundings) const;

    /// The slot of the argument at `place`; -1 if that is not a single value.
    int slot_of(std::size_t place) const;
};

/// `slot_of` gives the slot of a value, by its number. Throws Error{Damaged} if an argument is of another kind than the operator
/// takes.
BoundNode bind(const GraphAnalysis& analysis, int node, const std::function<int(ValueId)>& slot_of);

} // namespace pipebd::engine
