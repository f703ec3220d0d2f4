#include "engine/graph/graph_reader.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace pipebd::engine {

namespace {

using nlohmann::json;

constexpr std::size_t most_nodes = 200'000;
constexpr std::size_t most_arguments = 64;
constexpr std::size_t most_dimensions = 16;
constexpr std::int64_t most_elements = std::int64_t{1} << 40; // of one tensor, one sample
constexpr int schema_major = 8;

constexpr std::string_view how_to_export = "export it with torch.export.export(model.train(), (x,), dynamic_shapes=({0: "
                                           "torch.export.Dim(\"batch\")},)), where x holds two "
                                           "samples or more";

DType dtype_of(const JsonPlace& place)
{
    switch (place.integer()) {
    case 1:
        return DType::U8;
    case 2:
        return DType::I8;
    case 3:
        return DType::I16;
    case 4:
        return DType::I32;
    case 5:
        return DType::I64;
    case 6:
        return DType::F16;
    case 7:
        return DType::F32;
    case 8:
        return DType::F64;
    case 12:
        return DType::Bool;
    case 13:
        return DType::BF16;
    default:
        throw Error(Code::BadRequest, "a tensor has an unsupported type (code " + std::to_string(place.integer()) + ")",
            place.where(), "use a model of real numbers, e.g. model.float()");
    }
}

/// "s77" of "Symbol('s77', positive=True, integer=True)" or "s77"; empty for any other expression.
std::string symbol_of(std::string_view expression)
{
    constexpr std::string_view begin = "Symbol('";
    if (expression.starts_with(begin)) {
        expression.remove_prefix(begin.size());
        const std::size_t end = expression.find('\'');
        const std::string_view rest = end == std::string_view::npos ? "" : expression.substr(end);
        if (rest.find(')') != rest.size() - 1)
            return {};
        expression = expression.substr(0, end);
    }
    const auto in_name
        = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    const bool is_name
        = !expression.empty() && std::ranges::all_of(expression, in_name) && (expression[0] < '0' || expression[0] > '9');
    return is_name ? std::string(expression) : std::string();
}

std::int64_t size_of(const JsonPlace& place, std::string_view batch_symbol)
{
    if (place.choice() == "as_int")
        return place.chosen().integer(0);
    if (place.choice() != "as_expr")
        place.refuse("this is not a size");
    const std::string symbol = symbol_of(place.chosen().at("expr_str").text());
    return !symbol.empty() && symbol == batch_symbol ? batch_size : derived_size;
}

class GraphReader {
public:
    explicit GraphReader(const JsonPlace& model)
        : model_(model)
        , module_(model.at("graph_module"))
        , graph_(module_.at("graph"))
    {
    }

    Graph read()
    {
        check_version();
        read_inputs();
        read_nodes();
        read_output();
        return std::move(result_);
    }

private:
    [[noreturn]] void refuse(const std::string& problem, const std::string& place, const std::string& remedy) const
    {
        throw Error(Code::BadRequest, problem, model_.where() + (place.empty() ? "" : ", " + place), remedy);
    }

    void check_version()
    {
        const JsonPlace version = model_.at("schema_version");
        const std::int64_t major = version.at("major").integer(0);
        const std::string schema
            = "schema " + std::to_string(major) + ", this program reads schema " + std::to_string(schema_major);
        if (major > schema_major)
            throw Error(Code::Newer, "the model was exported by a later version of PyTorch (" + schema + ")", model_.where(),
                "use a later version of this program, or export with torch 2.11");
        if (major < schema_major)
            refuse("the model was exported by an old version of PyTorch (" + schema + ")", "", "export it with torch 2.11");
        const auto training = [](const JsonPlace& dialect) { return dialect.text() == "TRAINING"; };
        bool is_training = false;
        if (model_.has("verifiers")) {
            const JsonPlace verifiers = model_.at("verifiers");
            is_training = std::ranges::all_of(verifiers.array(), [&](const json& one) {
                return training({one, verifiers.where()});
            }) && !verifiers.array().empty();
        } else {
            is_training = training(model_.at("dialect"));
        }
        if (!is_training)
            refuse("the program was decomposed for inference and cannot be trained", "",
                "save the result of torch.export.export(...), without run_decompositions()");
    }

    ValueId add(Value value)
    {
        if (!ids_.emplace(value.name, static_cast<ValueId>(result_.values.size())).second)
            module_.refuse("two values have the name " + in_quotes(value.name));
        result_.values.push_back(std::move(value));
        return static_cast<ValueId>(result_.values.size()) - 1;
    }

    ValueId find(const JsonPlace& name) const
    {
        const auto found = ids_.find(name.text());
        if (found == ids_.end())
            name.refuse("the value " + in_quotes(name.text()) + " is used before it is defined");
        return found->second;
    }

    /// Null for those that the file says nothing of.
    std::optional<TensorMeta> meta_of(const std::string& name) const
    {
        const JsonPlace all = graph_.at("tensor_values");
        const auto found = all.object().find(name);
        if (found == all.object().end())
            return std::nullopt;
        return read_meta({found->second, all.where() + ", " + in_quotes(name)}, batch_symbol_);
    }

    void read_inputs()
    {
        const JsonPlace specs = module_.at("signature").at("input_specs");
        find_batch(specs);
        for (const json& one : specs.array()) {
            const JsonPlace spec(one, specs.where());
            const std::string kind(spec.choice());
            const JsonPlace argument = spec.chosen();
            if (kind == "parameter")
                add_stored(argument, Value::Kind::Parameter, "parameter_name");
            else if (kind == "buffer")
                add_stored(argument, Value::Kind::Buffer, "buffer_name");
            else if (kind == "tensor_constant")
                add_stored(argument, Value::Kind::Constant, "tensor_constant_name");
            else if (kind == "user_input")
                add_input(argument.at("arg"));
            else
                refuse("the model takes inputs other than tensors (" + printable(kind, 40) + ")", "",
                    "export a module whose forward takes one tensor");
        }
        if (inputs_.size() != 1)
            refuse(std::to_string(inputs_.size()) + " tensors go into the model"
                    + (inputs_.empty() ? "" : " (" + listed(inputs_) + ")"),
                "", "export a module whose forward takes one tensor");
    }

    static std::string listed(const std::vector<std::string>& names)
    {
        std::string text;
        for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 10); ++i)
            text += (i ? ", " : "") + in_quotes(names[i]);
        return text + (names.size() > 10 ? ", ..." : "");
    }

    void add_stored(const JsonPlace& spec, Value::Kind kind, const char* key)
    {
        Value value{.kind = kind, .name = spec.at("arg").at("name").text(), .state_name = spec.at(key).text(), .meta = {}};
        value.persistent = kind != Value::Kind::Buffer || !spec.has("persistent") || spec.at("persistent").truth();
        value.meta = meta_of(value.name);
        add(std::move(value));
    }

    void add_input(const JsonPlace& argument)
    {
        if (argument.choice() != "as_tensor")
            refuse("the model takes inputs other than tensors", "", "export a module whose forward takes one tensor");
        const std::string name = argument.chosen().at("name").text();
        inputs_.push_back(name);
        Value value{.kind = Value::Kind::Input, .name = name, .state_name = {}, .meta = meta_of(name)};
        if (!value.meta)
            argument.refuse("the shape of the input is missing");
        const auto& sizes = value.meta->sizes;
        if (sizes.empty() || sizes[0] != batch_size)
            refuse("the model's batch size is frozen", "input " + in_quotes(name), std::string(how_to_export));
        if (std::ranges::any_of(sizes.begin() + 1, sizes.end(), [](std::int64_t size) { return size < 1; }))
            refuse("a size other than the batch's is dynamic", "input " + in_quotes(name), std::string(how_to_export));
        result_.input = add(std::move(value));
    }

    /// The symbol that stands for the batch size: that of the input's first dimension.
    void find_batch(const JsonPlace& specs)
    {
        for (const json& one : specs.array()) {
            const JsonPlace spec(one, specs.where());
            if (spec.choice() != "user_input" || spec.chosen().at("arg").choice() != "as_tensor")
                continue;
            const std::string name = spec.chosen().at("arg").chosen().at("name").text();
            const JsonPlace all = graph_.at("tensor_values");
            const auto found = all.object().find(name);
            if (found == all.object().end())
                return;
            const JsonPlace sizes = JsonPlace(found->second, all.where() + ", " + in_quotes(name)).at("sizes");
            if (sizes.array().empty())
                return;
            const JsonPlace first(sizes.array()[0], sizes.where());
            if (first.choice() == "as_expr")
                batch_symbol_ = symbol_of(first.chosen().at("expr_str").text());
            return;
        }
    }

    void read_nodes()
    {
        const JsonPlace nodes = graph_.at("nodes");
        const auto& list = nodes.array(most_nodes);
        result_.nodes.reserve(list.size());
        for (std::size_t i = 0; i < list.size(); ++i) {
            const JsonPlace place(list[i], model_.where() + ", node " + std::to_string(i));
            read_node(place);
        }
    }

    void read_node(const JsonPlace& place)
    {
        Node node;
        node.target = place.at("target").text(200);
        if (place.has("name"))
            node.name = place.at("name").text(200);
        read_module(place.at("metadata"), node);
        const JsonPlace inputs = place.at("inputs");
        for (const json& one : inputs.array(most_arguments)) {
            const JsonPlace named(one, inputs.where());
            Argument argument = read_argument(named.at("arg"), node);
            argument.name = named.at("name").text(200);
            node.arguments.push_back(std::move(argument));
        }
        const JsonPlace outputs = place.at("outputs");
        for (const json& one : outputs.array(most_arguments))
            read_result({one, outputs.where()}, node);
        if (node.name.empty())
            node.name = node.outputs.empty() || node.outputs[0] < 0
                ? node.target
                : result_.values[static_cast<std::size_t>(node.outputs[0])].name;
        result_.nodes.push_back(std::move(node));
    }

    /// nn_module_stack is "key,path,class" joined by ";", outermost first; a second call of a module is marked by "@1".
    static void read_module(const JsonPlace& metadata, Node& node)
    {
        if (!metadata.has("nn_module_stack"))
            return;
        const std::string stack = metadata.at("nn_module_stack").text(100'000);
        std::string_view entry(stack);
        entry.remove_prefix(entry.rfind(';') == std::string_view::npos ? 0 : entry.rfind(';') + 1);
        const std::size_t begin = entry.find(','), end = entry.find(',', begin == std::string_view::npos ? begin : begin + 1);
        if (entry.empty() || end == std::string_view::npos || entry.starts_with("_empty_nn_module_stack"))
            return;
        std::string_view path = entry.substr(begin + 1, end - begin - 1);
        node.module = std::string(path.substr(0, path.find('@')));
        node.has_module = true;
    }

    Argument read_argument(const JsonPlace& union_place, const Node& node) const
    {
        const std::string kind(union_place.choice());
        const JsonPlace place = union_place.chosen();
        Argument argument;
        if (kind == "as_none")
            argument.value = Argument::None{};
        else if (kind == "as_tensor")
            argument.value = Argument::Tensor{find(place.at("name"))};
        else if (kind == "as_tensors" || kind == "as_optional_tensors")
            argument.value = read_tensors(place, kind == "as_optional_tensors");
        else if (kind == "as_optional_tensor")
            return place.choice() == "as_none" ? argument : read_argument(place, node);
        else if (kind == "as_int")
            argument.value = place.integer();
        else if (kind == "as_ints")
            argument.value = read_list<std::int64_t>(place, [](const JsonPlace& item) { return item.integer(); });
        else if (kind == "as_sym_int" && place.choice() == "as_int")
            argument.value = place.chosen().integer();
        else if ((kind == "as_sym_int" || kind == "as_sym_bool") && place.choice() == "as_name")
            argument.value = Argument::Tensor{find(place.chosen())};
        else if (kind == "as_sym_bool" && place.choice() == "as_bool")
            argument.value = place.chosen().truth();
        else if (kind == "as_sym_ints")
            argument.value = read_sizes(place);
        else if (kind == "as_float")
            argument.value = place.number();
        else if (kind == "as_floats")
            argument.value = read_list<double>(place, [](const JsonPlace& item) { return item.number(); });
        else if (kind == "as_bool")
            argument.value = place.truth();
        else if (kind == "as_bools")
            argument.value = read_list<bool>(place, [](const JsonPlace& item) { return item.truth(); });
        else if (kind == "as_string")
            argument.value = place.text();
        else if (kind == "as_scalar_type")
            argument.value = Argument::ElementType{dtype_of(place)};
        else if (kind == "as_memory_format")
            argument.value = Argument::MemoryFormat{place.integer(1, 4)};
        else if (kind == "as_layout")
            read_layout(place, argument);
        else if (kind == "as_device")
            argument.value = Argument::Device{};
        else
            refuse("an operator has an unsupported argument (" + printable(kind, 40) + ")", "node " + result_.describe(node),
                "write that part of the model with ordinary tensor operations");
        return argument;
    }

    static void read_layout(const JsonPlace& place, Argument& argument)
    {
        constexpr int strided = 7;
        if (place.integer() != strided)
            throw Error(Code::BadRequest, "a tensor is sparse", place.where(), "use dense tensors in the model");
        argument.value = Argument::Layout{};
    }

    template <typename T, typename Read>
    static std::vector<T> read_list(const JsonPlace& place, Read read)
    {
        std::vector<T> items;
        for (const json& one : place.array(10'000))
            items.push_back(read(JsonPlace(one, place.where())));
        return items;
    }

    Argument::Tensors read_tensors(const JsonPlace& place, bool optional) const
    {
        Argument::Tensors tensors;
        for (const json& one : place.array(10'000)) {
            const JsonPlace item(one, place.where());
            if (!optional)
                tensors.ids.push_back(find(item.at("name")));
            else
                tensors.ids.push_back(item.choice() == "as_none" ? -1 : find(item.chosen().at("name")));
        }
        return tensors;
    }

    Argument::Sizes read_sizes(const JsonPlace& place) const
    {
        Argument::Sizes sizes;
        for (const json& one : place.array(1000)) {
            const JsonPlace item(one, place.where());
            if (item.choice() == "as_int")
                sizes.items.emplace_back(item.chosen().integer());
            else
                sizes.items.emplace_back(Argument::Tensor{find(item.chosen())});
        }
        return sizes;
    }

    void read_result(const JsonPlace& place, Node& node)
    {
        const std::string kind(place.choice());
        const JsonPlace chosen = place.chosen();
        if (kind == "as_tensor") {
            node.outputs.push_back(add_tensor(chosen));
        } else if (kind == "as_tensors") {
            node.output_is_list = true;
            for (const json& one : chosen.array(10'000))
                node.outputs.push_back(add_tensor({one, chosen.where()}));
        } else if (kind == "as_sym_int" || kind == "as_sym_bool") {
            const Value::Kind type = kind == "as_sym_int" ? Value::Kind::Integer : Value::Kind::Truth;
            node.outputs.push_back(add({.kind = type, .name = chosen.at("as_name").text(), .state_name = {}, .meta = {}}));
        } else if (kind == "as_none") {
            node.outputs.push_back(-1);
        } else {
            refuse("an operator has an unsupported result (" + printable(kind, 40) + ")", "node " + result_.describe(node),
                "write that part of the model with ordinary tensor operations");
        }
        if (node.output_is_list && place.choice() != "as_tensors")
            place.refuse("an operator returns a list and something else");
    }

    ValueId add_tensor(const JsonPlace& place)
    {
        const std::string name = place.at("name").text();
        return add({.kind = Value::Kind::Tensor, .name = name, .state_name = {}, .meta = meta_of(name)});
    }

    void read_output()
    {
        const JsonPlace specs = module_.at("signature").at("output_specs");
        std::vector<std::string> names;
        for (const json& one : specs.array()) {
            const JsonPlace spec(one, specs.where());
            if (spec.choice() == "buffer_mutation" || spec.choice() == "parameter_mutation"
                || spec.choice() == "user_input_mutation")
                refuse("the program was functionalised and cannot be trained here", "",
                    "save the result of torch.export.export(...), without run_decompositions()");
            if (spec.choice() != "user_output" || spec.chosen().at("arg").choice() != "as_tensor")
                refuse("the model does not return a single tensor", "", "export a module whose forward returns one tensor");
            names.push_back(spec.chosen().at("arg").chosen().at("name").text());
        }
        if (names.size() != 1)
            refuse(
                std::to_string(names.size()) + " tensors come out of the model" + (names.empty() ? "" : " (" + listed(names) + ")"),
                "", "export a module whose forward returns one tensor");
        const auto found = ids_.find(names[0]);
        if (found == ids_.end() || result_.values[static_cast<std::size_t>(found->second)].kind != Value::Kind::Tensor)
            specs.refuse("the model's output " + in_quotes(names[0]) + " is never computed");
        result_.output = found->second;
    }

    const JsonPlace& model_;
    JsonPlace module_;
    JsonPlace graph_;
    Graph result_;
    std::unordered_map<std::string, ValueId> ids_;
    std::vector<std::string> inputs_;
    std::string batch_symbol_;
};

} // namespace

bool is_read(std::string_view key)
{
    return key != "stack_trace" && key != "torch_fn" && key != "module_call_graph";
}

Graph read_graph(const JsonPlace& model)
{
    return GraphReader(model).read();
}

TensorMeta read_meta(const JsonPlace& place, std::string_view batch_symbol)
{
    TensorMeta meta;
    meta.dtype = dtype_of(place.at("dtype"));
    if (place.has("layout") && place.at("layout").integer() != 7)
        throw Error(Code::BadRequest, "a tensor is sparse", place.where(), "use dense tensors in the model");
    const JsonPlace sizes = place.at("sizes");
    std::int64_t elements = 1;
    for (const json& one : sizes.array(most_dimensions)) {
        meta.sizes.push_back(size_of({one, sizes.where()}, batch_symbol));
        if (meta.sizes.back() > 0 && __builtin_mul_overflow(elements, meta.sizes.back(), &elements))
            elements = most_elements + 1;
        if (elements > most_elements)
            sizes.refuse("the tensor is too large");
    }
    const JsonPlace strides = place.at("strides");
    for (const json& one : strides.array(most_dimensions))
        meta.strides.push_back(size_of({one, strides.where()}, batch_symbol));
    if (meta.strides.size() != meta.sizes.size())
        strides.refuse("there is not one stride for each size");
    if (const JsonPlace offset = place.at("storage_offset"); offset.choice() == "as_int")
        meta.offset = offset.chosen().integer(0);
    else
        meta.offset = derived_size;
    return meta;
}

} // namespace pipebd::engine
