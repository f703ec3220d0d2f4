#include "engine/graph/graph_block.h"

#include "base/error.h"
#include "base/foreign_error.h"
#include "engine/graph/noise.h"
#include "engine/models/batch_norm.h"
#include "engine/models/layer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace pipebd::engine {

struct GraphBlock::Run {
    const Context& context;
    Surroundings surroundings;
    std::int64_t batch = 0;
    Frame frame;

    NoisePlace place_of(const BoundNode& node) const { return {.context = context, .place = node.place, .batch = batch}; }

    /// What takes an operator's place, with `stack` as its arguments.
    at::Tensor normalised(const torch::jit::Stack& stack) const;
    at::Tensor dropped(const BoundNode& node, const torch::jit::Stack& stack) const;
    at::Tensor noise(const BoundNode& node, const torch::jit::Stack& stack) const;
};

namespace {

/// Softmax attention whose dropout is a function of its place. `arguments` as scaled_dot_product_attention has them.
at::Tensor attention(const torch::jit::Stack& arguments, const NoisePlace& place, double dropout_p)
{
    const at::Tensor query = arguments[0].toTensor(), key = arguments[1].toTensor(), value = arguments[2].toTensor();
    if (arguments[7].toBool())
        throw Error(
            Code::BadRequest, "attention with grouped queries and dropout", "the model", "set the dropout of attention to 0");
    const double scale
        = arguments[6].isNone() ? 1 / std::sqrt(static_cast<double>(query.size(-1))) : arguments[6].toScalar().toDouble();
    at::Tensor scores = at::matmul(query.mul(scale), key.transpose(-2, -1));
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    if (arguments[5].toBool()) {
        const at::Tensor seen
            = at::ones({query.size(-2), key.size(-2)}, at::TensorOptions(at::kBool).device(query.device())).tril();
        scores = scores.masked_fill(seen.logical_not(), nothing);
    }
    if (!arguments[3].isNone()) {
        const at::Tensor mask = arguments[3].toTensor();
        scores = mask.scalar_type() == at::kBool ? scores.masked_fill(mask.logical_not(), nothing) : scores.add(mask);
    }
    at::Tensor weights = at::softmax(scores, -1);
    if (dropout_p > 0)
        weights = dropout(weights, dropout_p, place, false);
    return at::matmul(weights, value);
}

std::int64_t calculate(std::string_view operation, const std::vector<std::int64_t>& operands, const std::string& node)
{
    const std::int64_t a = operands[0], b = operands.size() > 1 ? operands[1] : 0;
    std::int64_t result = 0;
    bool fails = false;
    if (operation == "add")
        fails = __builtin_add_overflow(a, b, &result);
    else if (operation == "sub")
        fails = __builtin_sub_overflow(a, b, &result);
    else if (operation == "mul")
        fails = __builtin_mul_overflow(a, b, &result);
    else if (operation == "neg")
        fails = __builtin_sub_overflow(std::int64_t{0}, a, &result);
    else if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1))
        fails = true;
    else if (const bool down = a % b != 0 && (a % b < 0) != (b < 0); operation == "floordiv")
        result = a / b - (down ? 1 : 0);
    else
        result = a % b + (down ? b : 0);
    if (fails)
        throw Error(Code::BadRequest, "a size cannot be computed", node, "copy or export the file again");
    return result;
}

at::Tensor optional_tensor(const c10::IValue& value)
{
    return value.isNone() ? at::Tensor() : value.toTensor();
}

} // namespace

at::Tensor GraphBlock::Run::normalised(const torch::jit::Stack& stack) const
{
    const Normalisation normalisation{.weight = optional_tensor(stack[1]),
        .bias = optional_tensor(stack[2]),
        .running_mean = optional_tensor(stack[3]),
        .running_var = optional_tensor(stack[4]),
        .momentum = stack[6].toDouble(),
        .epsilon = stack[7].toDouble()};
    return batch_norm(stack[0].toTensor(), normalisation, context);
}

at::Tensor GraphBlock::Run::dropped(const BoundNode& node, const torch::jit::Stack& stack) const
{
    const double p = stack[1].toDouble();
    if (!context.training || p <= 0)
        return stack[0].toTensor();
    const auto drop = node.kind == OperatorKind::Dropout ? dropout : feature_dropout;
    return drop(stack[0].toTensor(), p, place_of(node), node.in_place);
}

at::Tensor GraphBlock::Run::noise(const BoundNode& node, const torch::jit::Stack& stack) const
{
    at::Tensor like = stack[0].toTensor();
    const double p = stack[1].toScalar().toDouble();
    const at::Tensor noise = context.training ? bernoulli_mask(like.sizes(), like.options(), p, place_of(node))
                                              : at::full(like.sizes(), node.unscaled, like.options());
    return node.in_place ? like.copy_(noise) : noise;
}

GraphBlock::GraphBlock(const GraphAnalysis& analysis, const Segment& segment)
    : where_(analysis.program().where())
    , changes_input_(segment.changes_input)
{
    add_stored(analysis.program(), segment);
    bind_nodes(analysis, segment);
}

void GraphBlock::add_stored(const ExportedProgram& program, const Segment& segment)
{
    for (ValueId id : segment.stored) {
        const Value& value = program.value(id);
        at::Tensor tensor = program.load(id);
        stored_.emplace_back(tensor);
        if (value.kind == Value::Kind::Parameter)
            parameters_.push_back({value.state_name, tensor.set_requires_grad(true)});
        else if (value.kind == Value::Kind::Buffer && value.persistent && segment.owns(id))
            buffers_.push_back({value.state_name, tensor});
        else
            constants_.push_back(stored_.size() - 1);
    }
}

void GraphBlock::bind_nodes(const GraphAnalysis& analysis, const Segment& segment)
{
    const ExportedProgram& program = analysis.program();
    std::map<ValueId, int> slots;
    for (ValueId id : segment.stored)
        slots.emplace(id, static_cast<int>(slots.size()));
    const auto slot_of = [&](ValueId value) {
        const ValueId key = program.value(value).is_stored() ? program.representative(value) : analysis.tensor(value);
        return slots.emplace(key, static_cast<int>(slots.size())).first->second;
    };
    input_ = slot_of(segment.input);
    for (int node : segment.nodes)
        nodes_.push_back(bind(analysis, node, slot_of));
    output_ = slot_of(segment.output);
    slots_ = static_cast<int>(slots.size());

    // Stochastic depth divides its noise by its mean; then leaving nothing out is that mean, else it is 1.
    for (BoundNode& node : nodes_) {
        if (node.kind != OperatorKind::Bernoulli)
            continue;
        const double p = node.arguments.at(1).toScalar().toDouble();
        const auto divides = [&](const BoundNode& other) {
            const bool is_division = other.handle && other.handle->schema().name().starts_with("aten::div");
            if (!is_division || other.slot_of(0) != node.outputs[0] || other.arguments.size() < 2)
                return false;
            const c10::IValue& by = other.arguments[1];
            const bool number = by.isTensor() && by.toTensor().defined() && by.toTensor().dim() == 0;
            return number ? by.toTensor().item<double>() == p : by.isScalar() && by.toScalar().toDouble() == p;
        };
        node.unscaled = std::ranges::any_of(nodes_, divides) ? p : 1;
    }

    std::set<int> seen{output_};
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
        const auto release = [&](int slot) {
            if (slot >= static_cast<int>(stored_.size()) && seen.insert(slot).second)
                node->released.push_back(slot);
        };
        for (const BoundNode::Input& input : node->inputs)
            std::ranges::for_each(input.slots, release);
        std::ranges::for_each(node->outputs, release); // what nobody takes
    }
}

Surroundings GraphBlock::prepare(const at::Tensor& input)
{
    Surroundings surroundings{.device = input.device(), .weights = input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat};
    if (!parameters_.empty())
        surroundings.weights = parameters_.front().tensor.scalar_type();
    for (std::size_t slot : constants_) {
        const at::Tensor constant = stored_[slot].toTensor();
        const bool follows = constant.is_floating_point() && constant.dim() > 0
            && (constant.scalar_type() == at::kFloat || constant.scalar_type() == at::kDouble);
        const at::ScalarType type = follows ? surroundings.weights : constant.scalar_type();
        if (constant.device() != surroundings.device || constant.scalar_type() != type)
            stored_[slot] = constant.to(surroundings.device, type);
    }
    return surroundings;
}

at::Tensor GraphBlock::forward(const at::Tensor& input, const Context& context)
{
    Run run{.context = context, .surroundings = prepare(input), .batch = input.dim() > 0 ? input.size(0) : 1, .frame = stored_};
    run.frame.resize(static_cast<std::size_t>(slots_));
    at::Tensor taken = canonical(input);
    run.frame[static_cast<std::size_t>(input_)] = changes_input_ && taken.is_same(input) ? input.clone() : std::move(taken);
    for (const BoundNode& node : nodes_) {
        const auto place = [&] { return where_ + ", node " + node.name; };
        try {
            call(node, run);
        } catch (const c10::OutOfMemoryError&) {
            throw;
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const c10::Error& error) {
            throw Error(Code::BadRequest, "the model cannot be run: " + foreign_reason(error.what_without_backtrace()), place(),
                "check that the input has the shape that the model was exported for");
        } catch (const std::exception& error) {
            if (dynamic_cast<const Error*>(&error))
                throw;
            throw Error(
                Code::BadRequest, "the model cannot be run: " + foreign_reason(error.what()), place(), "export the model again");
        }
        for (int slot : node.released)
            run.frame[static_cast<std::size_t>(slot)] = c10::IValue();
    }
    return canonical(run.frame[static_cast<std::size_t>(output_)].toTensor());
}

void GraphBlock::keep(const BoundNode& node, at::Tensor tensor, Run& run) const
{
    if (!node.outputs.empty() && node.outputs[0] >= 0)
        run.frame[static_cast<std::size_t>(node.outputs[0])] = std::move(tensor);
}

void GraphBlock::keep_integer(const BoundNode& node, std::int64_t number, Run& run) const
{
    if (!node.outputs.empty() && node.outputs[0] >= 0)
        run.frame[static_cast<std::size_t>(node.outputs[0])] = number;
}

void GraphBlock::call(const BoundNode& node, Run& run) const
{
    if (node.is_batch_size)
        return keep_integer(node, run.batch, run);
    torch::jit::Stack stack = node.stack(run.frame, run.surroundings);
    const bool as_it_is = node.kind == OperatorKind::Ordinary || node.kind == OperatorKind::Empty;
    if (!as_it_is && call_instead(node, stack, run))
        return;
    node.handle->callBoxed(stack);
    if (node.kind == OperatorKind::Empty)
        stack[0].toTensor().zero_();
    if (node.output_is_list)
        return keep_list(node, stack.at(0).toTensorList(), run);
    for (std::size_t i = 0; i < std::min(node.outputs.size(), stack.size()); ++i) {
        if (node.outputs[i] >= 0)
            run.frame[static_cast<std::size_t>(node.outputs[i])] = std::move(stack[i]);
    }
}

bool GraphBlock::call_instead(const BoundNode& node, torch::jit::Stack& stack, Run& run) const
{
    switch (node.kind) {
    case OperatorKind::Ordinary:
    case OperatorKind::Empty:
        return false;
    case OperatorKind::Check:
        break;
    case OperatorKind::Arithmetic:
        keep_integer(node, calculate(node.arithmetic, stack[0].toIntVector(), node.name), run);
        break;
    case OperatorKind::Size:
        keep_integer(node, stack[0].toTensor().size(stack[1].toInt()), run);
        break;
    case OperatorKind::CountBatches:
        if (run.context.training)
            stack[0].toTensor().add_(1);
        keep(node, stack[0].toTensor(), run);
        break;
    case OperatorKind::BatchNorm:
        keep(node, run.normalised(stack), run);
        break;
    case OperatorKind::Dropout:
    case OperatorKind::FeatureDropout:
        keep(node, run.dropped(node, stack), run);
        break;
    case OperatorKind::Bernoulli:
        keep(node, run.noise(node, stack), run);
        break;
    case OperatorKind::Attention: {
        const double p = run.context.training ? stack[4].toDouble() : 0;
        // On a GPU, the fused kernels' gradients are not repeatable.
        const bool repeatable = !run.surroundings.device.is_cuda() || !at::GradMode::is_enabled() || stack[7].toBool();
        if (p <= 0 && repeatable) {
            stack[4] = 0.0;
            return false;
        }
        keep(node, attention(stack, run.place_of(node), p), run);
        break;
    }
    }
    return true;
}

void GraphBlock::keep_list(const BoundNode& node, const c10::List<at::Tensor>& list, Run& run) const
{
    if (list.size() != node.outputs.size())
        throw Error(Code::BadRequest,
            "an operator returns " + std::to_string(list.size()) + " tensors, but the file says "
                + std::to_string(node.outputs.size()),
            where_ + ", node " + node.name, "export the model again");
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] >= 0)
            run.frame[static_cast<std::size_t>(node.outputs[i])] = list.get(i);
    }
}

} // namespace pipebd::engine
