#include "engine/graph/graph_analysis.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <numeric>

namespace pipebd::engine {

namespace {

std::size_t index(int number)
{
    return static_cast<std::size_t>(number);
}

std::vector<ValueId> tensors_of(const Argument& argument)
{
    if (const auto* tensor = std::get_if<Argument::Tensor>(&argument.value))
        return {tensor->id};
    if (const auto* tensors = std::get_if<Argument::Tensors>(&argument.value)) {
        std::vector<ValueId> ids = tensors->ids;
        std::erase(ids, -1);
        return ids;
    }
    return {};
}

/// Values joined into sets, each named by one of its members.
class SharedMemory {
public:
    explicit SharedMemory(std::size_t values)
        : parents_(values)
    {
        std::iota(parents_.begin(), parents_.end(), 0);
    }

    void join(int a, int b) { parents_[index(root(a))] = root(b); }

    std::vector<int> take()
    {
        for (std::size_t i = 0; i < parents_.size(); ++i)
            parents_[i] = root(static_cast<int>(i));
        return std::move(parents_);
    }

private:
    int root(int value)
    {
        while (parents_[index(value)] != value) {
            parents_[index(value)] = parents_[index(parents_[index(value)])];
            value = parents_[index(value)];
        }
        return value;
    }

    std::vector<int> parents_;
};

} // namespace

GraphAnalysis::GraphAnalysis(const ExportedProgram& program)
    : program_(program)
    , graph_(program.graph())
{
    for (const Node& node : graph_.nodes)
        operators_.push_back(find_operator(graph_, node, program.where()));
    find_memory();
    find_dependence();
    find_live();
    find_lifetimes();
    check_changes();
}

void GraphAnalysis::find_memory()
{
    const std::size_t values = graph_.values.size();
    SharedMemory shared(values);
    tensor_.resize(values);
    std::iota(tensor_.begin(), tensor_.end(), 0);
    changed_.assign(index(nodes()), -1);
    for (int n = 0; n < nodes(); ++n) {
        const Operator& op = this->op(n);
        if (!op.handle)
            continue;
        const std::vector<const Argument*> arguments = arguments_by_place(op, graph_, node(n), program_.where());
        const bool gives_input = op.may_copy || op.kind == OperatorKind::Dropout || op.kind == OperatorKind::FeatureDropout;
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            const c10::AliasInfo* alias = op.schema().arguments()[i].alias_info();
            if (!arguments[i] || (!alias && !(gives_input && i == 0)))
                continue;
            for (ValueId taken : tensors_of(*arguments[i])) {
                for (ValueId given : node(n).outputs) {
                    if (given >= 0)
                        shared.join(given, taken);
                }
                if (alias && alias->isWrite()) {
                    changed_[index(n)] = taken;
                    if (node(n).outputs.size() == 1 && node(n).outputs[0] >= 0)
                        tensor_[index(node(n).outputs[0])] = tensor_[index(taken)];
                }
            }
        }
    }
    memory_ = shared.take();
    for (int& changed : changed_)
        changed = changed < 0 ? -1 : memory(changed);
    first_copy_.assign(values, nodes());
    for (int n = nodes() - 1; n >= 0; --n) {
        if (op(n).may_copy && !node(n).outputs.empty() && node(n).outputs[0] >= 0)
            first_copy_[index(memory(node(n).outputs[0]))] = n;
    }
}

bool GraphAnalysis::is_batch_size(int n) const
{
    if (op(n).kind != OperatorKind::Size)
        return false;
    const Argument *self = node(n).find("self"), *dimension = node(n).find("dim");
    const auto* tensor = self ? std::get_if<Argument::Tensor>(&self->value) : nullptr;
    const auto* number = dimension ? std::get_if<std::int64_t>(&dimension->value) : nullptr;
    if (!tensor || !number || !program_.value(tensor->id).meta)
        return false;
    const std::vector<std::int64_t>& sizes = program_.value(tensor->id).meta->sizes;
    const auto count = static_cast<std::int64_t>(sizes.size());
    const std::int64_t place = *number < 0 ? *number + count : *number;
    return place >= 0 && place < count && sizes[static_cast<std::size_t>(place)] == batch_size;
}

void GraphAnalysis::find_dependence()
{
    carries_.assign(graph_.values.size(), false);
    carries_[index(memory(graph_.input))] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (int n = 0; n < nodes(); ++n) {
            if (op(n).kind == OperatorKind::Check || is_batch_size(n))
                continue;
            if (!std::ranges::any_of(graph_.inputs_of(node(n)), [&](ValueId value) { return carries(value); }))
                continue;
            const auto mark = [&](int memory) {
                changed = changed || !carries_[index(memory)];
                carries_[index(memory)] = true;
            };
            for (ValueId value : node(n).outputs) {
                if (value >= 0)
                    mark(memory(value));
            }
            if (changed_[index(n)] >= 0)
                mark(changed_[index(n)]);
        }
    }
}

void GraphAnalysis::find_live()
{
    live_.assign(index(nodes()), false);
    placed_ = live_;
    std::vector<bool> needed(graph_.values.size(), false); // by memory
    needed[index(memory(graph_.output))] = true;
    for (int n = nodes() - 1; n >= 0; --n) {
        if (op(n).kind == OperatorKind::Check)
            continue;
        const bool counts = op(n).kind == OperatorKind::CountBatches;
        const bool gives
            = std::ranges::any_of(node(n).outputs, [&](ValueId value) { return value >= 0 && needed[index(memory(value))]; });
        const bool changes = changed_[index(n)] >= 0 && needed[index(changed_[index(n)])];
        if (!counts && !gives && !changes)
            continue;
        live_[index(n)] = true;
        placed_[index(n)]
            = counts || std::ranges::any_of(node(n).outputs, [&](ValueId value) { return value >= 0 && carries(value); });
        if (is_batch_size(n) || counts)
            continue;
        for (ValueId value : graph_.inputs_of(node(n)))
            needed[index(memory(value))] = true;
    }
}

void GraphAnalysis::find_lifetimes()
{
    lifetimes_.assign(graph_.values.size(), {});
    lifetimes_[index(graph_.input)].defined = -1;
    for (int n = 0; n < nodes(); ++n) {
        if (!is_live(n))
            continue;
        if (!is_batch_size(n)) {
            for (ValueId value : graph_.inputs_of(node(n)))
                lifetimes_[index(tensor(value))].last_use = n;
        }
        for (ValueId value : node(n).outputs) {
            if (value >= 0 && tensor(value) == value)
                lifetimes_[index(value)].defined = n;
        }
    }
    lifetimes_[index(tensor(graph_.output))].last_use = nodes();

    crossings_.assign(index(nodes()) + 2, 0);
    crossing_sum_.assign(crossings_.size(), 0);
    for (std::size_t value = 0; value < lifetimes_.size(); ++value) {
        const Lifetime& life = lifetimes_[value];
        if (life.defined == -2 || life.last_use <= life.defined || !carries(static_cast<ValueId>(value)))
            continue;
        const auto begin = index(life.defined + 1), end = index(life.last_use + 1);
        ++crossings_[begin];
        --crossings_[end];
        crossing_sum_[begin] += static_cast<std::int64_t>(value);
        crossing_sum_[end] -= static_cast<std::int64_t>(value);
    }
    std::partial_sum(crossings_.begin(), crossings_.end(), crossings_.begin());
    std::partial_sum(crossing_sum_.begin(), crossing_sum_.end(), crossing_sum_.begin());
}

std::vector<ValueId> GraphAnalysis::crossing(int p) const
{
    std::vector<ValueId> values;
    for (std::size_t value = 0; value < lifetimes_.size(); ++value) {
        const Lifetime& life = lifetimes_[value];
        if (life.defined != -2 && life.defined < p && life.last_use >= p && carries(static_cast<ValueId>(value)))
            values.push_back(static_cast<ValueId>(value));
    }
    return values;
}

bool GraphAnalysis::is_legal_cut(int p) const
{
    if (crossings_[index(p)] != 1)
        return false;
    const std::optional<TensorMeta>& meta = program_.value(static_cast<ValueId>(crossing_sum_[index(p)])).meta;
    return meta && !meta->sizes.empty() && meta->sizes[0] == batch_size
        && std::ranges::all_of(meta->sizes.begin() + 1, meta->sizes.end(), [](std::int64_t size) { return size >= 0; })
        && (meta->dtype == DType::F32 || meta->dtype == DType::F16 || meta->dtype == DType::BF16);
}

void GraphAnalysis::check_changes() const
{
    std::vector<std::vector<ValueId>> views(graph_.values.size()); // by memory
    for (std::size_t value = 0; value < graph_.values.size(); ++value)
        views[index(memory_[value])].push_back(static_cast<ValueId>(value));
    for (int n = 0; n < nodes(); ++n) {
        if (is_live(n) && changed_memory(n) >= 0 && op(n).kind != OperatorKind::CountBatches)
            check_change(n, views[index(changed_memory(n))]);
    }
}

void GraphAnalysis::check_change(int n, const std::vector<ValueId>& views) const
{
    constexpr std::size_t most_views = 2000;
    const auto refuse = [&](const std::string& problem) {
        throw Error(Code::BadRequest, problem, program_.where() + ", node " + graph_.describe(node(n)),
            "use the operation that returns a new tensor (x + 1, not x += 1)");
    };
    if (views.size() > most_views)
        refuse("a tensor with more than " + std::to_string(most_views) + " views is changed in place");
    const std::vector<ValueId> taken = graph_.inputs_of(node(n));
    for (ValueId view : views) {
        const Value& value = program_.value(view);
        if (value.is_stored())
            refuse("the model changes " + in_quotes(value.state_name) + " in place");
        // What may be a copy does not see the change.
        const Lifetime& life = lifetimes_[index(tensor(view))];
        const bool is_taken = std::ranges::any_of(taken, [&](ValueId input) { return tensor(input) == tensor(view); });
        if (first_copy_[index(memory(view))] < n && !is_taken && life.defined < n && life.last_use > n)
            refuse("the model changes a tensor in place and then uses another view of it, " + in_quotes(value.name));
    }
}

} // namespace pipebd::engine
