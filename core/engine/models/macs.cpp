#include "engine/models/macs.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <algorithm>
#include <array>
#include <span>

namespace pipebd::engine {

namespace {

using Values = std::span<const c10::IValue>;

/// What an operator's inputs, which are gone once it ends, say of its multiply-accumulates.
struct Count {
    std::int64_t whole = 0;
    std::int64_t by_output = 0; // for each element of its output
};

Count of_convolution(Values inputs)
{
    constexpr std::size_t transposed = 6;
    const at::Tensor &input = inputs[0].toTensor(), &weight = inputs[1].toTensor();
    const std::int64_t taps = weight.numel() / weight.size(0);
    return inputs[transposed].toBool() ? Count{.whole = input.numel() * taps} : Count{.by_output = taps};
}

/// Of a product of two matrices, vectors or batches of them whose left operand is input `left`.
template <std::size_t left>
Count of_product(Values inputs)
{
    return {.by_output = inputs[left].toTensor().size(-1)};
}

Count of_attention(Values inputs)
{
    const at::Tensor &query = inputs[0].toTensor(), &key = inputs[1].toTensor(), &value = inputs[2].toTensor();
    return {.whole = query.numel() / query.size(-1) * key.size(-2) * (query.size(-1) + value.size(-1))};
}

struct Open : at::ObserverContext {
    explicit Open(Count given)
        : count(given)
    {
    }
    Count count;
};

struct Operator {
    std::string_view name;
    Count (*count)(Values inputs);
};

constexpr std::array operators{
    Operator{"aten::convolution", of_convolution},
    Operator{"aten::linear", of_product<0>},
    Operator{"aten::matmul", of_product<0>},
    Operator{"aten::mm", of_product<0>},
    Operator{"aten::bmm", of_product<0>},
    Operator{"aten::mv", of_product<0>},
    Operator{"aten::dot", of_product<0>},
    Operator{"aten::addmm", of_product<1>},
    Operator{"aten::addmv", of_product<1>},
    Operator{"aten::baddbmm", of_product<1>},
    Operator{"aten::scaled_dot_product_attention", of_attention},
};

const Operator* find(std::string_view name)
{
    const auto* found = std::ranges::find(operators, name, &Operator::name);
    return found == operators.end() ? nullptr : found;
}

} // namespace

thread_local MacCounter* MacCounter::counting_ = nullptr;

MacCounter::MacCounter()
    : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&begin, &end)
                                             .needsInputs(true)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION, at::RecordScope::USER_SCOPE})))
{
    counting_ = this;
}

MacCounter::~MacCounter()
{
    counting_ = nullptr;
    at::removeCallback(handle_);
}

std::int64_t MacCounter::within(const std::string& scope) const
{
    const auto found = by_scope_.find(scope);
    return found == by_scope_.end() ? 0 : found->second;
}

std::unique_ptr<at::ObserverContext> MacCounter::begin(const at::RecordFunction& function)
{
    if (function.scope() == at::RecordScope::USER_SCOPE) {
        counting_->scope_ = function.name();
        return nullptr;
    }
    const Operator* known = find(function.name());
    if (!known)
        return nullptr;
    const auto inputs = function.inputs();
    return std::make_unique<Open>(counting_->depth_++ == 0 ? known->count({inputs.data(), inputs.size()}) : Count{});
}

void MacCounter::end(const at::RecordFunction& function, at::ObserverContext* context)
{
    if (function.scope() == at::RecordScope::USER_SCOPE)
        counting_->scope_.clear();
    if (!context)
        return;
    --counting_->depth_;
    if (function.outputs().empty()) // it has thrown
        return;
    const Count& count = static_cast<const Open*>(context)->count;
    const std::int64_t macs = count.whole + count.by_output * function.outputs().front().toTensor().numel();
    counting_->total_ += macs;
    counting_->by_scope_[counting_->scope_] += macs;
}

} // namespace pipebd::engine
