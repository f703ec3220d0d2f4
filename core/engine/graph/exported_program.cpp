#include "engine/graph/exported_program.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/graph/graph_reader.h"
#include "engine/models/tensor_file.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <tuple>

namespace pipebd::engine {

namespace {

bool is_floating(DType dtype)
{
    return dtype == DType::F16 || dtype == DType::BF16 || dtype == DType::F32 || dtype == DType::F64;
}

/// Number of elements from the first to the last that the tensor has in its storage; none if that overflows.
std::optional<std::uint64_t> extent_of(const TensorMeta& meta)
{
    auto extent = static_cast<std::uint64_t>(meta.offset);
    bool empty = false;
    for (std::size_t i = 0; i < meta.sizes.size(); ++i) {
        empty = empty || meta.sizes[i] == 0;
        const auto last = static_cast<std::uint64_t>(std::max<std::int64_t>(meta.sizes[i], 1) - 1);
        std::uint64_t step = 0;
        if (__builtin_mul_overflow(last, static_cast<std::uint64_t>(meta.strides[i]), &step)
            || __builtin_add_overflow(extent, step, &extent))
            return std::nullopt;
    }
    if (!empty && __builtin_add_overflow(extent, std::uint64_t{1}, &extent))
        return std::nullopt;
    return extent;
}

} // namespace

ExportedProgram::ExportedProgram(const std::filesystem::path& file)
    : where_(file.string())
    , mapped_(file)
    , zip_(mapped_->bytes(), where_)
{
    read();
}

ExportedProgram::ExportedProgram(std::span<const std::byte> bytes, std::string where)
    : where_(std::move(where))
    , zip_(bytes, where_)
{
    read();
}

std::string ExportedProgram::root() const
{
    constexpr std::string_view model = "/models/model.json";
    std::string root;
    for (const ZipFile::Entry& entry : zip_.entries()) {
        const std::string_view name = entry.name;
        if (!name.ends_with(model) || name.find('/') != name.size() - model.size())
            continue;
        if (!root.empty())
            throw Error(Code::BadRequest, "the archive contains several models", where_, "save one with torch.export.save");
        root = name.substr(0, name.size() - model.size());
    }
    if (root.empty())
        throw Error(Code::BadRequest, "the archive contains no model of torch.export (models/model.json)", where_,
            "save it with torch.export.save(torch.export.export(...), \"model.pt2\")");
    return root + "/";
}

void ExportedProgram::read()
{
    const std::string root = this->root();
    const auto entry = [&](const std::string& name) -> const ZipFile::Entry& {
        const ZipFile::Entry* found = zip_.find(root + name);
        if (!found)
            throw Error(Code::Damaged, "the archive has no entry " + name, where_, "copy or export the file again");
        zip_.check(*found);
        return *found;
    };
    const std::span<const std::byte> order = entry("byteorder").data;
    if (const std::string_view text(reinterpret_cast<const char*>(order.data()), order.size()); text != "little")
        throw Error(Code::BadRequest, "the weights are in the byte order " + in_quotes(text) + ", not 'little'", where_,
            "export the model on a little-endian machine");
    const nlohmann::json model = parse_bounded(
        entry("models/model.json").data, where_ + ", model.json", [](std::string_view key) { return !is_read(key); });
    graph_ = read_graph({model, where_});

    std::map<std::string, ValueId> weights, constants;
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
        const Value& value = graph_.values[id];
        if (value.is_stored()) {
            const bool is_weight = value.kind == Value::Kind::Parameter || (value.kind == Value::Kind::Buffer && value.persistent);
            (is_weight ? weights : constants).emplace(value.state_name, static_cast<ValueId>(id));
        }
    }
    read_config(root + "data/weights/", "model_weights_config.json", weights);
    read_config(root + "data/constants/", "model_constants_config.json", constants);
    tie();
    check_ends();
    find_vocabulary();
}

void ExportedProgram::read_config(const std::string& folder, const char* config, const std::map<std::string, ValueId>& wanted)
{
    const ZipFile::Entry* entry = zip_.find(folder + config);
    if (!entry)
        throw Error(Code::Damaged, "the archive has no entry " + folder + config, where_, "copy or export the file again");
    zip_.check(*entry);
    const std::string place = where_ + ", " + config;
    const nlohmann::json parsed = parse_bounded(entry->data, place);
    const JsonPlace all = JsonPlace(parsed, place).at("config");
    for (const auto& [name, id] : wanted) {
        const auto found = all.object().find(name);
        if (found == all.object().end())
            all.refuse("the tensor " + in_quotes(name) + " is missing");
        const JsonPlace described(found->second, place + ", " + in_quotes(name));
        if (described.has("use_pickle") && described.at("use_pickle").truth())
            throw Error(Code::BadRequest, "a tensor is pickled; pickles are programs and are never run", described.where(),
                "export a model whose parameters are ordinary tensors");
        Stored stored{.meta = read_meta(described.at("tensor_meta"), {}), .storage = {}, .representative = id};
        const std::string path = described.at("path_name").text(200);
        const ZipFile::Entry* data = zip_.find(folder + path);
        if (!data)
            described.refuse("its data " + in_quotes(path) + " is not in the archive");
        stored.storage = data->data;

        const std::optional<TensorMeta>& in_graph = value(id).meta;
        if (!in_graph || in_graph->sizes != stored.meta.sizes || in_graph->dtype != stored.meta.dtype)
            described.refuse("the tensor's shape or type differs from the graph's");
        const auto negative = [](std::int64_t size) { return size < 0; };
        const std::optional<std::uint64_t> extent = std::ranges::any_of(stored.meta.sizes, negative)
                || std::ranges::any_of(stored.meta.strides, negative) || stored.meta.offset < 0
            ? std::nullopt
            : extent_of(stored.meta);
        if (!extent || *extent > stored.storage.size() / size_in_bytes(stored.meta.dtype))
            described.refuse("the tensor runs past the end of its data");
        if (value(id).kind == Value::Kind::Parameter && !is_floating(stored.meta.dtype))
            throw Error(Code::BadRequest,
                "a parameter is " + std::string(to_string(stored.meta.dtype)) + ", which cannot be trained", described.where(),
                "export the model before quantising it");
        stored_.emplace(id, std::move(stored));
    }
}

void ExportedProgram::tie()
{
    using Geometry = std::tuple<const std::byte*, DType, std::vector<std::int64_t>, std::vector<std::int64_t>, std::int64_t>;
    std::map<Geometry, ValueId> first;
    std::map<const std::byte*, ValueId> parameter;
    for (auto& [id, stored] : stored_) {
        const std::byte* storage = stored.storage.data();
        const TensorMeta& meta = stored.meta;
        if (value(id).kind != Value::Kind::Parameter || stored.storage.empty())
            continue;
        stored.representative
            = first.emplace(Geometry{storage, meta.dtype, meta.sizes, meta.strides, meta.offset}, id).first->second;
        if (const ValueId other = parameter.emplace(storage, stored.representative).first->second; other != stored.representative)
            throw Error(Code::BadRequest, "two parameters are different views of the same memory",
                where_ + ", " + in_quotes(value(other).state_name) + " and " + in_quotes(value(id).state_name),
                "make them one parameter, or copy one of them");
    }
}

void ExportedProgram::check_ends()
{
    const Value& in = value(graph_.input);
    const DType dtype = in.meta->dtype;
    input_.shape.assign(in.meta->sizes.begin() + 1, in.meta->sizes.end());
    const bool is_text = dtype == DType::I64 && input_.shape.size() == 1;
    if (!is_text && dtype != DType::F32)
        throw Error(Code::BadRequest,
            "the model takes " + std::string(to_string(dtype)) + ", neither F32 nor tokens (I64, [batch, tokens])", where_,
            "export it with an input of float32, or with tokens");
    const Value& out = value(graph_.output);
    constexpr std::int64_t most_classes = 1'000'000;
    const bool is_scores = out.meta && out.meta->sizes.size() == 2 && out.meta->sizes[0] == batch_size && out.meta->sizes[1] > 0
        && out.meta->sizes[1] <= most_classes && is_floating(out.meta->dtype);
    if (!is_scores)
        throw Error(Code::BadRequest, "the model's output is not [batch, classes]", where_ + ", output " + in_quotes(out.name),
            "export a module that returns class scores");
    classes_ = static_cast<int>(out.meta->sizes[1]);
}

void ExportedProgram::find_vocabulary()
{
    if (value(graph_.input).meta->dtype != DType::I64)
        return;
    for (const Node& node : graph_.nodes) {
        if (node.target != "torch.ops.aten.embedding.default")
            continue;
        const Argument *weight = node.find("weight"), *indices = node.find("indices");
        const auto* table = weight ? std::get_if<Argument::Tensor>(&weight->value) : nullptr;
        const auto* tokens = indices ? std::get_if<Argument::Tensor>(&indices->value) : nullptr;
        if (table && tokens && tokens->id == graph_.input && value(table->id).meta && value(table->id).meta->sizes.size() == 2) {
            input_.vocabulary = value(table->id).meta->sizes[0];
            return;
        }
    }
    throw Error(Code::BadRequest, "the model takes integers but does not look them up in an embedding", where_,
        "export it with an input of float32, or with tokens");
}

at::Tensor ExportedProgram::load(ValueId id) const
{
    at::NoGradGuard no_grad;
    const Stored& stored = stored_.at(id);
    const at::ScalarType type = scalar_type(stored.meta.dtype);
    const bool converted = is_floating(stored.meta.dtype) && value(id).kind != Value::Kind::Constant;
    const bool is_map = stored.meta.sizes.size() == 4;
    at::Tensor tensor = at::empty(stored.meta.sizes, at::TensorOptions(converted ? at::kFloat : type),
        is_map ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    if (tensor.numel() == 0)
        return tensor;
    const auto count = static_cast<std::int64_t>(stored.storage.size() / size_in_bytes(stored.meta.dtype));
    at::Tensor storage;
    if (reinterpret_cast<std::uintptr_t>(stored.storage.data()) % size_in_bytes(stored.meta.dtype) == 0) {
        storage = at::from_blob(const_cast<std::byte*>(stored.storage.data()), {count}, at::TensorOptions(type));
    } else {
        storage = at::empty({count}, at::TensorOptions(type));
        std::memcpy(storage.mutable_data_ptr(), stored.storage.data(), storage.nbytes());
    }
    return tensor.copy_(storage.as_strided(stored.meta.sizes, stored.meta.strides, stored.meta.offset));
}

ValueId ExportedProgram::representative(ValueId stored) const
{
    return stored_.at(stored).representative;
}

void ExportedProgram::check_archive() const
{
    for (const ZipFile::Entry& entry : zip_.entries())
        zip_.check(entry);
}

} // namespace pipebd::engine
