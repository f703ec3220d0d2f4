// Graph: what a torch.export file says is computed, as data: values and the operators between them, in order.
//
// Knows nothing of LibTorch: operators are names, arguments are what the file says. How it is run: graph_program.h.
#pragma once

#include "base/safetensors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pipebd::engine {

using ValueId = int; // index into Graph::values

/// What may stand in TensorMeta::sizes beside numbers.
inline constexpr std::int64_t batch_size = -1; // the size of the batch
inline constexpr std::int64_t derived_size = -2; // computed from it, or otherwise not known before

struct TensorMeta {
    DType dtype = DType::F32;
    std::vector<std::int64_t> sizes;
    std::vector<std::int64_t> strides; // as sizes; in elements
    std::int64_t offset = 0; // in its storage, in elements
};

struct Value {
    enum class Kind { Parameter, Buffer, Constant, Input, Tensor, Integer, Truth };
    Kind kind = Kind::Tensor;
    std::string name; // in the graph
    std::string state_name; // of a parameter, buffer or constant: as in the state_dict
    bool persistent = true; // of a buffer: it is in the state_dict
    std::optional<TensorMeta> meta; // of a tensor

    bool is_stored() const { return kind == Kind::Parameter || kind == Kind::Buffer || kind == Kind::Constant; }
};

struct Argument {
    struct None { };
    struct Tensor { // or integer, or truth value: something that the graph computes
        ValueId id = -1;
    };
    struct Tensors {
        std::vector<ValueId> ids; // -1: none
    };
    struct Sizes { // integers, some of them computed
        std::vector<std::variant<std::int64_t, Tensor>> items;
    };
    struct ElementType {
        DType dtype = DType::F32;
    };
    struct MemoryFormat {
        std::int64_t code = 0; // as in the file
    };
    struct Layout { }; // strided
    struct Device { };

    std::string name; // of the operator's parameter
    std::variant<None, Tensor, Tensors, std::int64_t, std::vector<std::int64_t>, Sizes, double, std::vector<double>, bool,
        std::vector<bool>, std::string, ElementType, MemoryFormat, Layout, Device>
        value;
};

struct Node {
    std::string name;
    std::string target; // "torch.ops.aten.conv2d.default"
    std::string module; // path of the innermost module that it was written in; empty: the model itself
    bool has_module = false; // false: the file does not say
    std::vector<Argument> arguments;
    std::vector<ValueId> outputs; // -1: unused
    bool output_is_list = false;

    const Argument* find(std::string_view argument) const;
};

struct Graph {
    std::vector<Value> values;
    std::vector<Node> nodes; // none uses a value before it is there
    ValueId input = -1;
    ValueId output = -1;

    /// "'relu_1' in layer1.0"
    std::string describe(const Node& node) const;
    /// The values that the node takes, each once.
    std::vector<ValueId> inputs_of(const Node& node) const;
};

} // namespace pipebd::engine
