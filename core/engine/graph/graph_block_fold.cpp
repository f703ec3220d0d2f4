#include "engine/graph/graph_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <iterator>

namespace pipebd::engine {

namespace {

constexpr std::size_t weight_place = 1, bias_place = 2, mean_place = 3, variance_place = 4, epsilon_place = 7;

bool is_convolution(const BoundNode& node)
{
    return node.handle && (node.handle->schema().name() == "aten::conv2d" || node.handle->schema().name() == "aten::conv1d");
}

} // namespace

void GraphBlock::fold()
{
    at::NoGradGuard no_grad;
    for (std::size_t i = nodes_.size(); i-- > 0;) {
        if (nodes_[i].kind == OperatorKind::CountBatches) {
            forget(nodes_[i].slot_of(0));
            nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    for (std::size_t i = nodes_.size(); i-- > 0;) {
        if (nodes_[i].kind == OperatorKind::BatchNorm && fold_into_convolution(i))
            nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

int GraphBlock::uses_of(int slot) const
{
    int uses = slot == output_ || slot == input_ ? 1 : 0;
    for (const BoundNode& node : nodes_) {
        for (const BoundNode::Input& input : node.inputs)
            uses += static_cast<int>(std::ranges::count(input.slots, slot));
    }
    return uses;
}

void GraphBlock::forget(int slot)
{
    const at::Tensor tensor = stored_[static_cast<std::size_t>(slot)].toTensor();
    const auto is_it = [&](const NamedTensor& named) { return named.tensor.is_same(tensor); };
    std::erase_if(parameters_, is_it);
    std::erase_if(buffers_, is_it);
    stored_[static_cast<std::size_t>(slot)] = c10::IValue();
}

bool GraphBlock::fold_into_convolution(std::size_t index)
{
    BoundNode& norm = nodes_[index];
    const int between = norm.slot_of(0);
    const auto before = std::ranges::find_if(
        nodes_, [&](const BoundNode& node) { return node.outputs.size() == 1 && node.outputs[0] == between; });
    const auto is_own = [&](int slot) { return slot >= 0 && slot < static_cast<int>(stored_.size()) && uses_of(slot) == 1; };
    const auto all_its_own = [&](const BoundNode& node, std::initializer_list<std::size_t> places) {
        return std::ranges::all_of(places, [&](std::size_t place) { return is_own(node.slot_of(place)); });
    };
    // Written twice where an operator works in place on what lies between the two.
    const auto writes = std::ranges::count_if(
        nodes_, [&](const BoundNode& node) { return std::ranges::find(node.outputs, between) != node.outputs.end(); });
    if (before == nodes_.end() || !is_convolution(*before) || writes != 1 || uses_of(between) != 1 || norm.outputs.size() != 1
        || !all_its_own(*before, {weight_place}) || !all_its_own(norm, {weight_place, bias_place, mean_place, variance_place}))
        return false;
    const int own_bias = before->slot_of(bias_place);
    if (own_bias >= 0 && !is_own(own_bias))
        return false;

    const auto tensor = [&](int slot) { return stored_[static_cast<std::size_t>(slot)].toTensor(); };
    const at::Tensor weight = tensor(before->slot_of(weight_place)), bias = tensor(norm.slot_of(bias_place));
    const at::Tensor scale = tensor(norm.slot_of(weight_place)).to(at::kDouble)
        * (tensor(norm.slot_of(variance_place)).to(at::kDouble) + norm.arguments[epsilon_place].toDouble()).rsqrt();
    at::Tensor mean = tensor(norm.slot_of(mean_place)).to(at::kDouble);
    if (own_bias >= 0)
        mean = mean - tensor(own_bias).to(at::kDouble);
    bias.copy_(bias.to(at::kDouble) - mean * scale);
    std::vector<std::int64_t> as_weight(static_cast<std::size_t>(weight.dim()), 1);
    as_weight[0] = -1;
    weight.copy_(weight.to(at::kDouble) * scale.view(as_weight));

    std::erase_if(before->inputs, [&](const BoundNode::Input& input) { return input.place == bias_place; });
    before->inputs.push_back({BoundNode::Input::As::Value, bias_place, {norm.slot_of(bias_place)}, {}});
    before->outputs = norm.outputs;
    std::ranges::copy(norm.released, std::back_inserter(before->released));
    std::erase(before->released, norm.outputs[0]);
    for (std::size_t place : {weight_place, mean_place, variance_place})
        forget(norm.slot_of(place));
    if (own_bias >= 0)
        forget(own_bias);
    return true;
}

} // namespace pipebd::engine
