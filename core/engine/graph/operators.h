// Operators: those that a graph may use, and what is special about some of them when they are trained here.
//
// What CNNs, ResNets, MobileNets, EfficientNets, vision transformers and BERTs export to. Any other is refused by name.
#pragma once

#include "engine/graph/graph.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>

namespace pipebd::engine {

enum class OperatorKind {
    Ordinary, // called as the file says
    BatchNorm, // by batch_norm.h: follows the context's mode and group
    CountBatches, // batch norm's num_batches_tracked += 1, in training only
    Dropout, // elements; in training only; masks are functions of seed, step and place
    FeatureDropout, // the same for whole feature maps
    Bernoulli, // the same noise, as stochastic depth uses it
    Attention, // its dropout is Dropout's
    Empty, // filled with zeros, so that results are functions of the file
    Size, // of a tensor, an integer
    Arithmetic, // of integers
    Check, // dropped
};

struct Operator {
    OperatorKind kind = OperatorKind::Ordinary;
    std::optional<c10::OperatorHandle> handle; // none for Arithmetic and Check
    bool may_copy = false; // gives a view of its input or a copy, whichever is possible

    const c10::FunctionSchema& schema() const { return handle->schema(); }
};

/// Throws Error{BadRequest} with the operator's name if it is not one of them.
Operator find_operator(const Graph& graph, const Node& node, const std::string& where);

/// Of the operator's arguments that the file gives by name, the one at each place of its schema; null: not given.
/// Throws Error{Damaged} for a name that the schema does not have or that stands there twice.
std::vector<const Argument*> arguments_by_place(const Operator& op, const Graph& graph, const Node& node, const std::string& where);

} // namespace pipebd::engine
