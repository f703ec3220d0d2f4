#include "base/model_file.h"

#include "base/file.h"
#include "base/text.h"
#include "base/zip_directory.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string>

namespace pipebd {

namespace {

using Kind = ModelFileKind;
using namespace std::string_view_literals;

constexpr std::string_view export_it = "torch.export.save(torch.export.export(model.train(), (torch.rand(2, 3, 224, 224),), "
                                       "dynamic_shapes=({0: torch.export.Dim(\"batch\")},)), \"model.pt2\")";
constexpr std::string_view save_it = "in Python: safetensors.torch.save_file(";

struct Refusal {
    Kind kind;
    std::string_view what;
    std::string_view before_export; // what comes before export_it
    std::string_view state; // what is saved as safetensors; empty: that of the model
};

constexpr std::array refusals = {
    Refusal{Kind::Exported, "this is an exported model (torch.export), not weights", {},
        "dict(torch.export.load(\"model.pt2\").state_dict)"},
    Refusal{Kind::TorchScript, "this is a TorchScript module, a program", {}, "dict(torch.jit.load(\"model.pt\").state_dict())"},
    Refusal{Kind::Safetensors, "these are weights (safetensors) without a model",
        "name them as weights in [teacher] or [student] of an experiment, and export the model in Python: ", {}},
    Refusal{Kind::OldExport, "this model was exported by a PyTorch before 2.8, which pickles the weights",
        "export it again by PyTorch 2.8 or later: ", "dict(torch.export.load(\"model.pt2\").state_dict)"},
    Refusal{Kind::AotInductor, "this is an AOTInductor package, machine code for inference",
        "export the model that it was compiled from in Python: ", {}},
    Refusal{Kind::StateDict, "this is a state dict, pickled weights",
        "load it into its model in Python (model.load_state_dict(torch.load(\"weights.pth\", weights_only=True))), then: ",
        "torch.load(\"weights.pth\", weights_only=True)"},
    Refusal{Kind::Checkpoint, "this is a checkpoint, a pickled dictionary",
        "load what it holds into its model in Python "
        "(model.load_state_dict(torch.load(\"checkpoint.pth\", weights_only=True)[\"model\"])), then: ",
        "torch.load(\"checkpoint.pth\", weights_only=True)[\"model\"]"},
    Refusal{Kind::PickledModule, "this is a pickled module, a program that runs when it is opened",
        "if you trust it, in Python: model = torch.load(\"model.pth\", weights_only=False); ",
        "torch.load(\"model.pth\", weights_only=False).state_dict()"},
    Refusal{Kind::Pickle, "this is a pickle, a program that runs when it is opened", "build the model in Python, then: ", {}},
    Refusal{Kind::Onnx, "this is an ONNX model", "export the PyTorch model that it was made from in Python: ", {}},
    Refusal{Kind::Keras, "this is a Keras model", "build the same model in PyTorch, then: ", {}},
    Refusal{Kind::Hdf5, "this is an HDF5 file, such as Keras writes", "build the same model in PyTorch, then: ", {}},
    Refusal{Kind::SavedModel, "this is a TensorFlow SavedModel", "build the same model in PyTorch, then: ", {}},
    Refusal{Kind::Gguf, "this is a GGUF file, quantised for inference", "load the model it was made from in Python, then: ", {}},
    Refusal{Kind::NumPy, "these are NumPy arrays", "load them into their model in Python, then: ", {}},
    Refusal{
        Kind::Zip, "this is a zip archive without a model, or an incomplete one", "unpack it, or export the model in Python: ", {}},
    Refusal{Kind::Tar, "this is a tar archive", "unpack it, or export the model in Python: ", {}},
    Refusal{Kind::Compressed, "this is a compressed file", "unpack it, or export the model in Python: ", {}},
    Refusal{Kind::LfsPointer, "this is a Git LFS pointer; the file itself was not downloaded",
        "run git lfs pull, or export the model in Python: ", {}},
    Refusal{Kind::Html, "this is a web page", "download the file again, or export the model in Python: ", {}},
    Refusal{Kind::Text, "this is a text file", "export the model in Python: ", {}},
    Refusal{Kind::Empty, "this file is empty", "export the model again in Python: ", {}},
    Refusal{Kind::Folder, "this is a folder", "name the file in it, or export the model in Python: ", {}},
    Refusal{Kind::Unknown, "not a supported model file", "export the model in Python: ", {}},
};

const Refusal& refusal_of(Kind kind)
{
    return *std::find_if(refusals.begin(), refusals.end() - 1, [&](const Refusal& refusal) { return refusal.kind == kind; });
}

/// A number of `size` bytes, little-endian; `bytes` has them.
std::uint64_t little_endian(std::string_view bytes, std::size_t size)
{
    std::uint64_t number = 0;
    for (std::size_t i = size; i-- > 0;)
        number = number << 8 | static_cast<unsigned char>(bytes[i]);
    return number;
}

/// A variable-length number of a protocol buffer, taken off the front of `bytes`.
std::optional<std::uint64_t> take_varint(std::string_view& bytes)
{
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 10); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        number |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            bytes.remove_prefix(i + 1);
            return number;
        }
    }
    return std::nullopt;
}

/// The two models that are protocol buffers: both begin with a version; ONNX goes on with a graph (field 7) and operator sets (8)
/// among texts, a SavedModel with nothing but its graphs (field 2). What follows a part that is cut off is not looked at.
Kind kind_of_protocol_buffer(std::string_view bytes)
{
    constexpr std::uint64_t newest_version = 1000;
    if (bytes.empty() || bytes.front() != '\x08')
        return Kind::Unknown;
    bytes.remove_prefix(1);
    const std::optional<std::uint64_t> version = take_varint(bytes);
    if (!version || *version == 0 || *version > newest_version)
        return Kind::Unknown;
    bool only_second = true;
    bool has_graph = false;
    int fields = 0;
    while (!bytes.empty()) {
        const std::optional<std::uint64_t> key = take_varint(bytes);
        const std::uint64_t field = key.value_or(0) >> 3;
        if (field == 0 || field > 30)
            return Kind::Unknown;
        const std::uint64_t wire = *key & 7;
        const std::optional<std::uint64_t> value = wire == 0 || wire == 2 ? take_varint(bytes) : std::nullopt;
        if (!value)
            return Kind::Unknown;
        only_second = only_second && field == 2 && wire == 2;
        has_graph = has_graph || (field == 7 && wire == 2);
        ++fields;
        if (wire == 2 && *value > bytes.size())
            break;
        bytes.remove_prefix(wire == 2 ? static_cast<std::size_t>(*value) : 0);
    }
    if (fields > 0 && only_second)
        return Kind::SavedModel;
    return has_graph ? Kind::Onnx : Kind::Unknown;
}

/// The module of the first class or function that a pickle names; empty if it names none.
std::string_view first_module(std::string_view pickle)
{
    const auto is_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_'; };
    for (std::size_t at = pickle.find('c'); at != std::string_view::npos; at = pickle.find('c', at + 1)) {
        std::size_t end = at + 1;
        while (end < pickle.size() && is_name(pickle[end]))
            ++end;
        std::size_t end_of_class = end + 1;
        while (end_of_class < pickle.size() && is_name(pickle[end_of_class]))
            ++end_of_class;
        if (end > at + 1 && end_of_class > end + 1 && end_of_class < pickle.size() && pickle[end] == '\n'
            && pickle[end_of_class] == '\n')
            return pickle.substr(at + 1, end - at - 1);
    }
    return {};
}

/// A pickle that torch.save has written, without what comes before it.
Kind kind_of_torch_pickle(std::string_view pickle)
{
    constexpr std::string_view begin = "\x80\x02"sv;
    if (!pickle.starts_with(begin))
        return Kind::Pickle;
    const std::string_view module = first_module(pickle);
    const bool tensors = module.starts_with("torch._") || module == "collections";
    const bool dictionary = pickle.substr(begin.size()).starts_with('}');
    if (pickle.find("ctorch.nn.modules") != std::string_view::npos || (!dictionary && !tensors))
        return Kind::PickledModule;
    return dictionary && !module.starts_with("torch._") ? Kind::Checkpoint : Kind::StateDict;
}

/// The pickle of a file that torch.save wrote before PyTorch 1.6, behind its magic number, version and byte sizes.
Kind kind_of_pickle(std::string_view bytes)
{
    constexpr std::string_view magic_number
        = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02"sv;
    constexpr std::string_view begin_after_end = ".\x80\x02"sv;
    if (!bytes.starts_with(magic_number))
        return Kind::Pickle;
    const std::size_t sizes = bytes.find(begin_after_end, magic_number.size());
    if (sizes == std::string_view::npos)
        return Kind::Pickle;
    constexpr std::size_t looked_at = std::size_t{1} << 24;
    const std::string_view pickle = bytes.substr(sizes + 1, looked_at);
    constexpr std::string_view module_with_source = "\x80\x02(X\x06\x00\x00\x00module"sv;
    return pickle.starts_with(module_with_source) ? Kind::PickledModule : kind_of_torch_pickle(pickle);
}

Kind kind_of_zip(std::string_view bytes)
{
    const std::vector<ZipEntry> entries = zip_directory(bytes);
    const auto find = [&](auto matches) { return std::find_if(entries.begin(), entries.end(), matches); };
    const auto has = [&](std::string_view part) {
        return find([&](const ZipEntry& entry) { return entry.name.find(part) != std::string_view::npos; }) != entries.end();
    };
    const auto has_file = [&](std::string_view name) { // in the root folder that PyTorch makes, or without it
        return find([&](const ZipEntry& entry) { return entry.name.substr(entry.name.find('/') + 1) == name; }) != entries.end();
    };
    if (has("data/aotinductor/"))
        return Kind::AotInductor;
    if (has_file("models/model.json"))
        return Kind::Exported;
    if (has_file("serialized_exported_program.json"))
        return Kind::OldExport;
    if (has_file("constants.pkl") && has("code/"))
        return Kind::TorchScript;
    if (has_file("model.weights.h5"))
        return Kind::Keras;
    const auto pickle = find([](const ZipEntry& entry) { return entry.name.ends_with("data.pkl"); });
    if (pickle != entries.end())
        return kind_of_torch_pickle(pickle->stored);
    const bool arrays = std::all_of(entries.begin(), entries.end(), [](const ZipEntry& e) { return e.name.ends_with(".npy"); });
    return arrays && !entries.empty() ? Kind::NumPy : Kind::Zip;
}

bool is_safetensors(std::string_view bytes)
{
    constexpr std::size_t prefix = 8;
    return bytes.size() > prefix && bytes[prefix] == '{' && little_endian(bytes, prefix) <= bytes.size() - prefix;
}

Kind kind_of_text(std::string_view bytes)
{
    constexpr std::size_t looked_at = 4096;
    const bool whole = bytes.size() <= looked_at;
    bytes = bytes.substr(0, looked_at);
    for (int cut = 0; !whole && cut < 3 && !is_utf8(bytes); ++cut) // the last character may have been cut
        bytes.remove_suffix(1);
    if (!is_utf8(bytes) || bytes.find('\0') != std::string_view::npos)
        return Kind::Unknown;
    if (bytes.starts_with("version https://git-lfs.github.com/spec/"))
        return Kind::LfsPointer;
    std::string start(bytes.substr(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()), 14));
    std::transform(start.begin(), start.end(), start.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return start.starts_with("<!doctype html") || start.starts_with("<html") ? Kind::Html : Kind::Text;
}

} // namespace

Kind kind_of_model(std::string_view bytes)
{
    struct Magic {
        std::string_view bytes;
        Kind kind;
    };
    constexpr std::array magics = {
        Magic{"\x89HDF\r\n\x1a\n"sv, Kind::Hdf5},
        Magic{"GGUF"sv, Kind::Gguf},
        Magic{"\x93NUMPY"sv, Kind::NumPy},
        Magic{"\x1f\x8b"sv, Kind::Compressed}, // gzip
        Magic{"\xfd\x37zXZ\0"sv, Kind::Compressed},
        Magic{"BZh"sv, Kind::Compressed},
        Magic{"\x28\xb5\x2f\xfd"sv, Kind::Compressed}, // zstd
        Magic{"7z\xbc\xaf\x27\x1c"sv, Kind::Compressed},
    };
    constexpr std::size_t tar_magic = 257;
    if (bytes.empty())
        return Kind::Empty;
    if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06"))
        return kind_of_zip(bytes);
    for (const Magic& magic : magics)
        if (bytes.starts_with(magic.bytes))
            return magic.kind;
    if (bytes.size() > tar_magic && bytes.substr(tar_magic).starts_with("ustar"))
        return Kind::Tar;
    if (bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5)
        return kind_of_pickle(bytes);
    if (is_safetensors(bytes))
        return Kind::Safetensors;
    if (const Kind kind = kind_of_protocol_buffer(bytes); kind != Kind::Unknown)
        return kind;
    return kind_of_text(bytes);
}

Kind kind_of_model_file(const std::filesystem::path& file)
{
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
        return std::filesystem::exists(file / "saved_model.pb", ignored) ? Kind::SavedModel : Kind::Folder;
    const MappedFile mapped(file);
    return kind_of_model({reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size()});
}

Error refused_as_model(Kind kind, std::string_view where)
{
    const Refusal& refusal = refusal_of(kind);
    return {Code::BadRequest, std::string(refusal.what), std::string(where),
        std::string(refusal.before_export) + std::string(export_it)};
}

Error refused_as_weights(Kind kind, std::string_view where)
{
    const Refusal& refusal = refusal_of(kind);
    const std::string_view state = refusal.state.empty() ? "model.state_dict()" : refusal.state;
    return {Code::BadRequest, std::string(refusal.what), std::string(where),
        std::string(save_it) + std::string(state) + ", \"weights.safetensors\")"};
}

} // namespace pipebd
