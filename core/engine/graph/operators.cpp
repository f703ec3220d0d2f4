#include "engine/graph/operators.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace pipebd::engine {

namespace {

// Sorted.
constexpr auto ordinary = std::to_array<std::string_view>({"_to_copy.default", "abs.default", "abs_.default",
    "adaptive_avg_pool1d.default", "adaptive_avg_pool2d.default", "adaptive_avg_pool3d.default", "adaptive_max_pool1d.default",
    "adaptive_max_pool2d.default", "add.Scalar", "add.Tensor", "add_.Scalar", "add_.Tensor", "addbmm.default", "addcdiv.default",
    "addcmul.default", "addmm.default", "alias.default", "all.default", "all.dim", "amax.default", "amin.default", "any.default",
    "any.dim", "arange.default", "arange.start", "arange.start_step", "argmax.default", "atan.default", "avg_pool1d.default",
    "avg_pool2d.default", "avg_pool3d.default", "baddbmm.default", "bilinear.default", "bitwise_and.Tensor", "bitwise_not.default",
    "bitwise_or.Tensor", "bmm.default", "broadcast_to.default", "cat.default", "ceil.default", "celu.default", "celu_.default",
    "channel_shuffle.default", "chunk.default", "clamp.default", "clamp_.default", "clamp_max.default", "clamp_max_.default",
    "clamp_min.default", "clamp_min_.default", "clone.default", "concat.default", "concatenate.default", "constant_pad_nd.default",
    "contiguous.default", "conv1d.default", "conv1d.padding", "conv2d.default", "conv2d.padding", "conv3d.default",
    "conv_transpose1d.default", "conv_transpose2d.input", "copy_.default", "cos.default", "cumsum.default", "detach.default",
    "detach_.default", "diagonal.default", "div.Scalar", "div.Scalar_mode", "div.Tensor", "div.Tensor_mode", "div_.Scalar",
    "div_.Tensor", "dot.default", "einsum.default", "elu.default", "elu_.default", "embedding.default", "eq.Scalar", "eq.Tensor",
    "erf.default", "exp.default", "exp_.default", "expand.default", "expand_as.default", "expm1.default", "eye.default",
    "fill.Scalar", "fill.Tensor", "fill_.Scalar", "fill_.Tensor", "flatten.using_ints", "flip.default", "floor.default",
    "frobenius_norm.dim", "full.default", "full_like.default", "gather.default", "ge.Scalar", "ge.Tensor", "gelu.default",
    "gelu_.default", "glu.default", "group_norm.default", "gt.Scalar", "gt.Tensor", "hardshrink.default", "hardsigmoid.default",
    "hardsigmoid_.default", "hardswish.default", "hardswish_.default", "hardtanh.default", "hardtanh_.default", "im2col.default",
    "index.Tensor", "index_select.default", "instance_norm.default", "layer_norm.default", "le.Scalar", "le.Tensor",
    "leaky_relu.default", "leaky_relu_.default", "lerp.Scalar", "lerp.Tensor", "lift_fresh_copy.default",
    "linalg_vector_norm.default", "linear.default", "linspace.default", "log.default", "log1p.default", "log_.default",
    "log_sigmoid.default", "log_softmax.int", "logical_and.default", "logical_not.default", "logical_or.default",
    "logsumexp.default", "lt.Scalar", "lt.Tensor", "masked_fill.Scalar", "masked_fill.Tensor", "masked_fill_.Scalar",
    "masked_fill_.Tensor", "matmul.default", "max.default", "max.dim", "max.other", "max_pool1d.default", "max_pool2d.default",
    "max_pool2d_with_indices.default", "max_pool3d.default", "maximum.default", "mean.default", "mean.dim", "meshgrid.default",
    "meshgrid.indexing", "min.default", "min.dim", "min.other", "minimum.default", "mish.default", "mish_.default", "mm.default",
    "movedim.int", "movedim.intlist", "mul.Scalar", "mul.Tensor", "mul_.Scalar", "mul_.Tensor", "mv.default", "narrow.default",
    "ne.Scalar", "ne.Tensor", "neg.default", "neg_.default", "new_full.default", "new_ones.default", "new_zeros.default",
    "norm.Scalar", "norm.ScalarOpt_dim", "numpy_T.default", "one_hot.default", "ones.default", "ones_like.default", "outer.default",
    "pad.default", "permute.default", "pixel_shuffle.default", "pixel_unshuffle.default", "pow.Scalar", "pow.Tensor_Scalar",
    "pow.Tensor_Tensor", "pow_.Scalar", "prelu.default", "prod.dim_int", "reciprocal.default", "relu.default", "relu6.default",
    "relu6_.default", "relu_.default", "remainder.Scalar", "repeat.default", "repeat_interleave.self_int", "reshape.default",
    "reshape_as.default", "rms_norm.default", "roll.default", "round.default", "rsqrt.default", "rsqrt_.default", "rsub.Scalar",
    "rsub.Tensor", "scalar_tensor.default", "select.int", "selu.default", "selu_.default", "sigmoid.default", "sigmoid_.default",
    "sign.default", "silu.default", "silu_.default", "sin.default", "slice.Tensor", "softmax.int", "softplus.default",
    "softshrink.default", "split.Tensor", "split.sizes", "split_with_sizes.default", "sqrt.default", "sqrt_.default",
    "square.default", "squeeze.default", "squeeze.dim", "squeeze.dims", "stack.default", "std.correction", "std.dim",
    "std_mean.correction", "sub.Scalar", "sub.Tensor", "sub_.Scalar", "sub_.Tensor", "sum.default", "sum.dim_IntList",
    "swapaxes.default", "swapdims.default", "t.default", "tan.default", "tanh.default", "tanh_.default", "tensor_split.sections",
    "threshold.default", "threshold_.default", "tile.default", "to.device", "to.dtype", "to.dtype_layout", "to.other",
    "transpose.int", "tril.default", "triu.default", "trunc.default", "type_as.default", "unbind.int", "unflatten.int",
    "unfold.default", "unsqueeze.default", "upsample_bicubic2d.vec", "upsample_bilinear2d.vec", "upsample_linear1d.vec",
    "upsample_nearest1d.vec", "upsample_nearest2d.vec", "var.correction", "var.dim", "var_mean.correction", "view.default",
    "view_as.default", "where.Scalar", "where.ScalarOther", "where.ScalarSelf", "where.self", "zero_.default", "zeros.default",
    "zeros_like.default"});
static_assert(std::ranges::is_sorted(ordinary));

const std::map<std::string_view, OperatorKind> special = {
    {"aten.batch_norm.default", OperatorKind::BatchNorm},
    {"aten.dropout.default", OperatorKind::Dropout},
    {"aten.dropout_.default", OperatorKind::Dropout},
    {"aten.feature_dropout.default", OperatorKind::FeatureDropout},
    {"aten.feature_dropout_.default", OperatorKind::FeatureDropout},
    {"aten.bernoulli.p", OperatorKind::Bernoulli},
    {"aten.bernoulli_.float", OperatorKind::Bernoulli},
    {"aten.scaled_dot_product_attention.default", OperatorKind::Attention},
    {"aten.empty.memory_format", OperatorKind::Empty},
    {"aten.empty_like.default", OperatorKind::Empty},
    {"aten.new_empty.default", OperatorKind::Empty},
    {"aten.sym_size.int", OperatorKind::Size},
    {"aten._assert_tensor_metadata.default", OperatorKind::Check},
    {"aten._assert_scalar.default", OperatorKind::Check},
    {"aten._assert_async.msg", OperatorKind::Check},
    {"aten.sym_constrain_range.default", OperatorKind::Check},
    {"aten.sym_constrain_range_for_size.default", OperatorKind::Check},
};

constexpr auto arithmetic = std::to_array<std::string_view>(
    {"_operator.add", "_operator.floordiv", "_operator.mod", "_operator.mul", "_operator.neg", "_operator.sub"});

// These may give their input itself; if its memory order does not allow a view, they copy.
constexpr auto may_copy
    = std::to_array<std::string_view>({"contiguous.default", "flatten.using_ints", "reshape.default", "reshape_as.default",
        "to.device", "to.dtype", "to.dtype_layout", "to.other", "type_as.default", "view.default", "view_as.default"});

bool counts_batches(const Graph& graph, const Node& node)
{
    const Argument *self = node.find("self"), *other = node.find("other");
    if (node.target != "torch.ops.aten.add_.Tensor" || !self || !other || !std::holds_alternative<std::int64_t>(other->value))
        return false;
    const auto* tensor = std::get_if<Argument::Tensor>(&self->value);
    if (!tensor)
        return false;
    const Value& value = graph.values[static_cast<std::size_t>(tensor->id)];
    return value.kind == Value::Kind::Buffer && value.state_name.ends_with("num_batches_tracked");
}

Operator look_up(std::string_view name, OperatorKind kind)
{
    // Views of tensors that lie channels last are not always possible where the file says so: then they are copies.
    if (name == "view.default")
        name = "reshape.default";
    if (name == "view_as.default")
        name = "reshape_as.default";
    const std::size_t dot = name.find('.');
    const std::string base = "aten::" + std::string(name.substr(0, dot));
    const std::string overload = name.substr(dot + 1) == "default" ? "" : std::string(name.substr(dot + 1));
    return {.kind = kind,
        .handle = c10::Dispatcher::singleton().findSchemaOrThrow(base.c_str(), overload.c_str()),
        .may_copy = std::ranges::binary_search(may_copy, name)};
}

} // namespace

Operator find_operator(const Graph& graph, const Node& node, const std::string& where)
{
    constexpr std::string_view prefix = "torch.ops.";
    std::string_view name = node.target;
    if (std::ranges::binary_search(arithmetic, name))
        return {.kind = OperatorKind::Arithmetic, .handle = {}};
    const bool gives_truth = !node.outputs.empty() && node.outputs[0] >= 0
        && graph.values[static_cast<std::size_t>(node.outputs[0])].kind == Value::Kind::Truth;
    if (name.starts_with("_operator.") && gives_truth) // what is asserted of sizes
        return {.kind = OperatorKind::Check, .handle = {}};
    name.remove_prefix(name.starts_with(prefix) ? prefix.size() : name.size());
    if (const auto found = special.find(name); found != special.end()) {
        if (found->second == OperatorKind::Check)
            return {.kind = OperatorKind::Check, .handle = {}};
        return look_up(name.substr(5), found->second);
    }
    name.remove_prefix(name.starts_with("aten.") ? 5 : name.size());
    if (!std::ranges::binary_search(ordinary, name))
        throw Error(Code::BadRequest, "the model uses an unsupported operator, " + in_quotes(node.target),
            where + ", node " + graph.describe(node), "write that part of the model with other operations");
    return look_up(name, counts_batches(graph, node) ? OperatorKind::CountBatches : OperatorKind::Ordinary);
}

std::vector<const Argument*> arguments_by_place(const Operator& op, const Graph& graph, const Node& node, const std::string& where)
{
    const auto refuse = [&](const std::string& problem) {
        throw Error(Code::Damaged, problem, where + ", node " + graph.describe(node), "copy or export the file again");
    };
    std::vector<const Argument*> places(op.schema().arguments().size(), nullptr);
    // view and view_as are called as reshape and reshape_as, which name one of their arguments otherwise.
    const bool renamed = node.target == "torch.ops.aten.view.default";
    for (const Argument& argument : node.arguments) {
        const std::string_view name = renamed && argument.name == "size" ? std::string_view("shape") : argument.name;
        std::optional<int> place;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (op.schema().arguments()[i].name() == name)
                place = static_cast<int>(i);
        }
        if (!place)
            refuse("the operator has no argument " + in_quotes(argument.name));
        const Argument*& there = places[static_cast<std::size_t>(*place)];
        if (there)
            refuse("the argument " + in_quotes(argument.name) + " is given twice");
        there = &argument;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!places[i] && !op.schema().arguments()[i].default_value())
            refuse("the argument " + in_quotes(op.schema().arguments()[i].name()) + " is missing");
    }
    return places;
}

} // namespace pipebd::engine
