#include "engine/graph/bound_node.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "engine/models/tensor_file.h"

#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/scalar_tensor.h>

namespace pipebd::engine {

namespace {

using NodeInput = BoundNode::Input;

/// A tensor that takes part in an operation as the number it is: without a say in the result's type.
at::Tensor number_tensor(const at::Scalar& number)
{
    at::Tensor tensor = at::scalar_tensor(number, at::dtype(number.type()));
    tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
    return tensor;
}

std::int64_t memory_format(std::int64_t code)
{
    switch (code) {
    case 1:
        return static_cast<std::int64_t>(at::MemoryFormat::Contiguous);
    case 2:
        return static_cast<std::int64_t>(at::MemoryFormat::ChannelsLast);
    case 3:
        return static_cast<std::int64_t>(at::MemoryFormat::ChannelsLast3d);
    default:
        return static_cast<std::int64_t>(at::MemoryFormat::Preserve);
    }
}

std::optional<at::Scalar> number_of(const Argument& argument)
{
    if (const auto* integer = std::get_if<std::int64_t>(&argument.value))
        return at::Scalar(*integer);
    if (const auto* real = std::get_if<double>(&argument.value))
        return at::Scalar(*real);
    if (const auto* truth = std::get_if<bool>(&argument.value))
        return at::Scalar(*truth);
    return std::nullopt;
}

class Binder {
public:
    Binder(const GraphAnalysis& analysis, int node, const std::function<int(ValueId)>& slot_of)
        : program_(analysis.program())
        , node_(analysis.node(node))
        , slot_of_(slot_of)
    {
        bound_.name = program_.graph().describe(node_);
        bound_.kind = analysis.op(node).kind;
        bound_.handle = analysis.op(node).handle;
        bound_.is_batch_size = analysis.is_batch_size(node);
        bound_.in_place = analysis.changed_memory(node) >= 0;
        bound_.place = draw({coordinate("operator"), static_cast<std::uint64_t>(node)});
        bound_.output_is_list = node_.output_is_list;
    }

    BoundNode bind(const GraphAnalysis& analysis, int node)
    {
        for (ValueId output : node_.outputs)
            bound_.outputs.push_back(output < 0 ? -1 : slot_of_(output));
        if (bound_.is_batch_size)
            return std::move(bound_);
        if (bound_.kind == OperatorKind::Arithmetic) {
            bind_arithmetic();
            return std::move(bound_);
        }
        const std::vector<const Argument*> given = arguments_by_place(analysis.op(node), program_.graph(), node_, program_.where());
        const std::vector<c10::Argument>& expected = bound_.handle->schema().arguments();
        for (std::size_t place = 0; place < expected.size(); ++place) {
            bound_.arguments.emplace_back();
            if (given[place])
                bind_argument(*given[place], expected[place]);
            else
                bound_.arguments.back() = *expected[place].default_value();
        }
        check_outputs();
        return std::move(bound_);
    }

private:
    [[noreturn]] void refuse(const std::string& problem) const
    {
        throw Error(Code::Damaged, problem, program_.where() + ", node " + bound_.name, "copy or export the file again");
    }

    void check_outputs() const
    {
        const std::vector<c10::Argument>& returns = bound_.handle->schema().returns();
        const bool list = returns.size() == 1 && returns[0].type()->kind() == c10::TypeKind::ListType;
        if (list != node_.output_is_list || (!list && node_.outputs.size() > returns.size()))
            refuse("the operator's result differs from what the file says");
        for (std::size_t i = 0; i < node_.outputs.size(); ++i) {
            const bool is_tensor = list || returns[i].type()->kind() == c10::TypeKind::TensorType;
            if (node_.outputs[i] >= 0 && is_tensor != (program_.value(node_.outputs[i]).kind == Value::Kind::Tensor))
                refuse("the operator's result differs from what the file says");
        }
    }

    void bind_arithmetic()
    {
        bound_.arithmetic = node_.target.substr(std::string_view("_operator.").size());
        NodeInput operands{.as = NodeInput::As::Integers, .slots = {}, .numbers = {}};
        for (const Argument& argument : node_.arguments) {
            const auto* number = std::get_if<std::int64_t>(&argument.value);
            const auto* value = std::get_if<Argument::Tensor>(&argument.value);
            if (!number && (!value || program_.value(value->id).kind != Value::Kind::Integer))
                refuse("this arithmetic is not on integers");
            operands.slots.push_back(number ? -1 : slot_of_(value->id));
            operands.numbers.push_back(number ? *number : 0);
        }
        const bool one = operands.slots.size() == 1 && bound_.arithmetic == "neg";
        const bool gives_integer
            = node_.outputs.size() == 1 && node_.outputs[0] >= 0 && program_.value(node_.outputs[0]).kind == Value::Kind::Integer;
        if (!(one || (operands.slots.size() == 2 && bound_.arithmetic != "neg")) || !gives_integer)
            refuse("the operator does not accept these arguments");
        bound_.inputs.push_back(std::move(operands));
        bound_.arguments.emplace_back();
    }

    void bind_argument(const Argument& argument, const c10::Argument& expected)
    {
        c10::TypePtr type = expected.type();
        const bool optional = type->kind() == c10::TypeKind::OptionalType;
        if (optional)
            type = type->castRaw<c10::OptionalType>()->getElementType();
        if (std::holds_alternative<Argument::None>(argument.value)) {
            if (!optional)
                refuse("the argument " + in_quotes(argument.name) + " is missing");
            return;
        }
        const bool fits = type->kind() == c10::TypeKind::ListType ? bind_list(argument, *type, expected.N().value_or(1))
                                                                  : bind_single(argument, type->kind());
        if (!fits)
            refuse("the argument " + in_quotes(argument.name) + " has a different type than the operator takes");
    }

    c10::IValue& constant() { return bound_.arguments.back(); }

    bool add_input(NodeInput::As as, std::vector<int> slots = {}, std::vector<std::int64_t> numbers = {})
    {
        bound_.inputs.push_back({as, bound_.arguments.size() - 1, std::move(slots), std::move(numbers)});
        return true;
    }

    bool bind_single(const Argument& argument, c10::TypeKind type)
    {
        if (const auto* computed = std::get_if<Argument::Tensor>(&argument.value))
            return bind_value(computed->id, type);
        const std::optional<at::Scalar> number = number_of(argument);
        switch (type) {
        case c10::TypeKind::TensorType:
            if (number)
                constant() = number_tensor(*number);
            return number.has_value();
        case c10::TypeKind::NumberType:
            if (number)
                constant() = *number;
            return number.has_value();
        case c10::TypeKind::FloatType:
            if (number)
                constant() = number->toDouble();
            return number.has_value();
        case c10::TypeKind::BoolType:
            if (const auto* truth = std::get_if<bool>(&argument.value))
                constant() = *truth;
            return std::holds_alternative<bool>(argument.value);
        case c10::TypeKind::StringType:
            if (const auto* text = std::get_if<std::string>(&argument.value))
                constant() = *text;
            return std::holds_alternative<std::string>(argument.value);
        case c10::TypeKind::DeviceObjType:
            return std::holds_alternative<Argument::Device>(argument.value) && add_input(NodeInput::As::Device);
        case c10::TypeKind::IntType:
            return bind_integer(argument);
        default:
            return false;
        }
    }

    /// Integers, and what schemas count among them.
    bool bind_integer(const Argument& argument)
    {
        if (const auto* number = std::get_if<std::int64_t>(&argument.value))
            constant() = *number;
        else if (const auto* type = std::get_if<Argument::ElementType>(&argument.value)) {
            constant() = static_cast<std::int64_t>(scalar_type(type->dtype));
            if (type->dtype == DType::F32)
                add_input(NodeInput::As::ElementType);
        } else if (const auto* format = std::get_if<Argument::MemoryFormat>(&argument.value))
            constant() = memory_format(format->code);
        else if (std::holds_alternative<Argument::Layout>(argument.value))
            constant() = static_cast<std::int64_t>(at::kStrided);
        else
            return false;
        return true;
    }

    bool bind_value(ValueId id, c10::TypeKind type)
    {
        const Value::Kind kind = program_.value(id).kind;
        const bool is_tensor = kind != Value::Kind::Integer && kind != Value::Kind::Truth;
        if (kind == Value::Kind::Truth)
            return false;
        if (type == c10::TypeKind::TensorType)
            return add_input(is_tensor ? NodeInput::As::Value : NodeInput::As::NumberTensor, {slot_of_(id)});
        if (type == c10::TypeKind::IntType || type == c10::TypeKind::NumberType)
            return !is_tensor && add_input(NodeInput::As::Value, {slot_of_(id)});
        return false;
    }

    bool bind_list(const Argument& argument, const c10::Type& type, std::int32_t length)
    {
        c10::TypePtr element = type.castRaw<c10::ListType>()->getElementType();
        const bool optional = element->kind() == c10::TypeKind::OptionalType;
        if (optional)
            element = element->castRaw<c10::OptionalType>()->getElementType();
        const auto* integers = std::get_if<std::vector<std::int64_t>>(&argument.value);
        const bool empty = integers && integers->empty(); // whatever it is a list of
        switch (element->kind()) {
        case c10::TypeKind::TensorType:
            return bind_tensors(argument, optional, empty);
        case c10::TypeKind::IntType:
            if (const auto* number = std::get_if<std::int64_t>(&argument.value))
                constant() = std::vector<std::int64_t>(static_cast<std::size_t>(length), *number);
            else if (integers)
                constant() = *integers;
            else
                return bind_sizes(argument);
            return true;
        case c10::TypeKind::FloatType:
            if (const auto* reals = std::get_if<std::vector<double>>(&argument.value))
                constant() = *reals;
            else if (integers)
                constant() = std::vector<double>(integers->begin(), integers->end());
            else
                return false;
            return true;
        case c10::TypeKind::BoolType:
            return bind_truths(argument);
        default:
            return false;
        }
    }

    bool bind_truths(const Argument& argument)
    {
        const auto* truths = std::get_if<std::vector<bool>>(&argument.value);
        c10::List<bool> list;
        for (bool truth : truths ? *truths : std::vector<bool>())
            list.push_back(truth);
        constant() = list;
        return truths != nullptr;
    }

    bool bind_sizes(const Argument& argument)
    {
        const auto* sizes = std::get_if<Argument::Sizes>(&argument.value);
        if (!sizes)
            return false;
        std::vector<int> slots;
        std::vector<std::int64_t> numbers;
        for (const auto& item : sizes->items) {
            const auto* computed = std::get_if<Argument::Tensor>(&item);
            if (computed && program_.value(computed->id).kind != Value::Kind::Integer)
                return false;
            slots.push_back(computed ? slot_of_(computed->id) : -1);
            numbers.push_back(computed ? 0 : std::get<std::int64_t>(item));
        }
        return add_input(NodeInput::As::Integers, std::move(slots), std::move(numbers));
    }

    bool bind_tensors(const Argument& argument, bool optional, bool empty)
    {
        const auto* tensors = std::get_if<Argument::Tensors>(&argument.value);
        if (!tensors && !empty)
            return false;
        std::vector<int> slots;
        for (ValueId id : tensors ? tensors->ids : std::vector<ValueId>()) {
            if (id >= 0 && (program_.value(id).kind == Value::Kind::Integer || program_.value(id).kind == Value::Kind::Truth))
                return false;
            slots.push_back(id < 0 ? -1 : slot_of_(id));
        }
        return add_input(optional ? NodeInput::As::OptionalTensors : NodeInput::As::Tensors, std::move(slots));
    }

    const ExportedProgram& program_;
    const Node& node_;
    const std::function<int(ValueId)>& slot_of_;
    BoundNode bound_;
};

} // namespace

BoundNode bind(const GraphAnalysis& analysis, int node, const std::function<int(ValueId)>& slot_of)
{
    return Binder(analysis, node, slot_of).bind(analysis, node);
}

int BoundNode::slot_of(std::size_t place) const
{
    for (const NodeInput& input : inputs) {
        if (input.place == place && input.as == NodeInput::As::Value)
            return input.slots[0];
    }
    return -1;
}

torch::jit::Stack BoundNode::stack(const Frame& frame, const Surroundings& surroundings) const
{
    const auto at_slot = [&](int slot) -> const c10::IValue& { return frame[static_cast<std::size_t>(slot)]; };
    torch::jit::Stack stack = arguments;
    for (const NodeInput& input : inputs) {
        c10::IValue& place = stack[input.place];
        switch (input.as) {
        case NodeInput::As::Value:
            place = at_slot(input.slots[0]);
            break;
        case NodeInput::As::NumberTensor:
            place = number_tensor(at_slot(input.slots[0]).toInt());
            break;
        case NodeInput::As::Tensors: {
            c10::List<at::Tensor> list;
            list.reserve(input.slots.size());
            for (int slot : input.slots)
                list.push_back(at_slot(slot).toTensor());
            place = std::move(list);
            break;
        }
        case NodeInput::As::OptionalTensors: {
            c10::List<std::optional<at::Tensor>> list;
            list.reserve(input.slots.size());
            for (int slot : input.slots)
                list.push_back(slot < 0 ? std::nullopt : std::optional(at_slot(slot).toTensor()));
            place = std::move(list);
            break;
        }
        case NodeInput::As::Integers: {
            c10::List<std::int64_t> list;
            list.reserve(input.slots.size());
            for (std::size_t i = 0; i < input.slots.size(); ++i)
                list.push_back(input.slots[i] < 0 ? input.numbers[i] : at_slot(input.slots[i]).toInt());
            place = std::move(list);
            break;
        }
        case NodeInput::As::Device:
            place = surroundings.device;
            break;
        case NodeInput::As::ElementType:
            place = static_cast<std::int64_t>(surroundings.weights);
            break;
        }
    }
    return stack;
}

} // namespace pipebd::engine
