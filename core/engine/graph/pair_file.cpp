#include "engine/graph/pair_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/graph/bounded_json.h"

#include <algorithm>

namespace pipebd::engine {

namespace {

using nlohmann::json;

constexpr std::string_view format = "pipebd.pair/";
constexpr int version = 1;

void check_format(const JsonPlace& pair)
{
    const std::string text = pair.at("format").text(100);
    if (text == std::string(format) + std::to_string(version))
        return;
    if (text.starts_with(format))
        throw Error(Code::Newer, "the pair was written by a later version (" + printable(text, 60) + ")", pair.where(),
            "use a later version of this program");
    pair.at("format").refuse("this is not a " + std::string(format) + std::to_string(version));
}

PairFile::Network network_from(const JsonPlace& place)
{
    PairFile::Network network{.file = place.at("file").text(255),
        .kind = ModelKind::Pt2,
        .sha256 = place.at("sha256").text(64),
        .blocks = place.at("blocks").text(100'000)};
    const bool plain = !network.file.empty() && network.file[0] != '.' && network.file.find('/') == std::string::npos;
    if (!plain)
        place.at("file").refuse("this is not the name of a file in the pair's folder");
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (network.sha256.size() != 64 || !std::ranges::all_of(network.sha256, is_digit))
        place.at("sha256").refuse("this is not a SHA-256");
    const std::string kind = place.at("kind").text(40);
    if (kind == to_string(ModelKind::TorchScript))
        network.kind = ModelKind::TorchScript;
    else if (kind != to_string(ModelKind::Pt2))
        place.at("kind").refuse("unknown kind of model, " + in_quotes(kind));
    return network;
}

json to_json(const PairFile::Network& network)
{
    return {{"file", network.file}, {"kind", to_string(network.kind)}, {"sha256", network.sha256}, {"blocks", network.blocks}};
}

} // namespace

std::string_view to_string(ModelKind kind)
{
    return kind == ModelKind::Pt2 ? "pt2" : "torchscript";
}

PairFile read_pair_file(const std::filesystem::path& folder)
{
    constexpr std::size_t longest = std::size_t{16} << 20;
    const std::filesystem::path file = folder / pair_file_name;
    const std::string text = read_file(file, longest);
    const json parsed = parse_bounded(std::as_bytes(std::span(text)), file.string());
    const JsonPlace place(parsed, file.string());
    check_format(place);
    PairFile pair;
    pair.name = place.at("name").text(200);
    pair.classes = static_cast<int>(place.at("classes").integer(1, 1'000'000));
    const JsonPlace input = place.at("input"), shape = input.at("shape"), names = place.at("block_names");
    for (const json& size : shape.array(8))
        pair.input.shape.push_back(JsonPlace(size, shape.where()).integer(1, std::int64_t{1} << 31));
    pair.input.vocabulary = input.has("vocabulary") ? input.at("vocabulary").integer(0) : 0;
    for (const json& name : names.array(100'000))
        pair.block_names.push_back(JsonPlace(name, names.where()).text(1000));
    if (pair.block_names.empty())
        names.refuse("there are no blocks");
    pair.end_to_end_only = place.has("end_to_end_only") && place.at("end_to_end_only").truth();
    pair.teacher = network_from(place.at("teacher"));
    pair.student = network_from(place.at("student"));
    return pair;
}

std::string to_json(const PairFile& pair)
{
    const json written = {{"format", std::string(format) + std::to_string(version)}, {"name", pair.name}, {"classes", pair.classes},
        {"input", {{"shape", pair.input.shape}, {"vocabulary", pair.input.vocabulary}}}, {"block_names", pair.block_names},
        {"end_to_end_only", pair.end_to_end_only}, {"teacher", to_json(pair.teacher)}, {"student", to_json(pair.student)}};
    return written.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace pipebd::engine
