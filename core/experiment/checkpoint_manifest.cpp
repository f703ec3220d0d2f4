#include "experiment/checkpoint_manifest.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "experiment/experiment_json.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace pipebd::experiment {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view manifest_format = "pipebd.checkpoint/1";
constexpr std::string_view manifest_format_of_any_version = "pipebd.checkpoint/";
constexpr std::string_view checksum_key = "\"sha256\": \"";
constexpr std::size_t checksum_length = 64;
constexpr std::string_view name_prefix = "round-";
constexpr const char* remedy = "use an older checkpoint";

std::filesystem::path manifest_of(const std::filesystem::path& checkpoint)
{
    return checkpoint / "manifest.json";
}

/// Where the manifest's own checksum stands: the last one in the text.
std::size_t place_of_checksum(std::string_view text)
{
    const std::size_t key = text.rfind(checksum_key);
    const std::size_t place = key == text.npos ? text.npos : key + checksum_key.size();
    return place == text.npos || place + checksum_length > text.size() ? text.npos : place;
}

/// Of the text with zeros in place of its own checksum.
std::string checksum_of(std::string text, std::size_t place)
{
    text.replace(place, checksum_length, std::string(checksum_length, '0'));
    return sha256(std::string_view(text));
}

CheckpointManifest manifest_from(const nlohmann::json& json, const std::string& where)
{
    CheckpointManifest manifest;
    manifest.round = json.at("round").get<std::int64_t>();
    manifest.teacher_sha256 = json.at("teacher_sha256").get<std::string>();
    for (const nlohmann::json& entry : json.at("blocks")) {
        CheckpointManifest::Block block{.file = entry.at("file").get<std::string>(),
            .updates = entry.at("updates").get<std::int64_t>(),
            .bytes = entry.at("bytes").get<std::int64_t>(),
            .sha256 = entry.at("sha256").get<std::string>(),
            .loss = {}};
        if (block.file.find('/') != std::string::npos)
            throw Error(Code::Damaged, "a block's file is outside the checkpoint's folder", where, remedy);
        if (!entry.at("loss").is_null())
            block.loss = entry.at("loss").get<double>();
        manifest.blocks.push_back(std::move(block));
    }
    manifest.experiment = experiment_of(json.at("experiment"), where + ": experiment");
    return manifest;
}

} // namespace

std::vector<std::int64_t> CheckpointManifest::updates() const
{
    std::vector<std::int64_t> all;
    for (const Block& block : blocks)
        all.push_back(block.updates);
    return all;
}

std::optional<double> CheckpointManifest::loss() const
{
    double sum = 0;
    for (const Block& block : blocks) {
        if (!block.loss)
            return {};
        sum += *block.loss;
    }
    return sum;
}

std::string to_json(const CheckpointManifest& manifest)
{
    Json blocks = Json::array();
    for (std::size_t i = 0; i < manifest.blocks.size(); ++i) {
        const CheckpointManifest::Block& block = manifest.blocks[i];
        blocks.push_back({{"block", i}, {"file", block.file}, {"updates", block.updates}, {"bytes", block.bytes},
            {"sha256", block.sha256}, {"loss", block.loss ? Json(*block.loss) : Json()}});
    }
    std::string text = Json{{"format", manifest_format}, {"round", manifest.round}, {"teacher_sha256", manifest.teacher_sha256},
                           {"blocks", std::move(blocks)}, {"experiment", json_of(manifest.experiment)},
                           {"sha256", std::string(checksum_length, '0')}}
                           .dump(2)
        + '\n';
    const std::size_t place = place_of_checksum(text);
    text.replace(place, checksum_length, checksum_of(text, place));
    return text;
}

CheckpointManifest read_manifest(const std::filesystem::path& checkpoint)
{
    const std::filesystem::path file = manifest_of(checkpoint);
    const std::string text = read_file(file);
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    try {
        if (!json.is_object())
            throw Error(Code::Damaged, "the manifest is not JSON", file.string(), remedy);
        const auto found = json.at("format").get<std::string>();
        if (found != manifest_format && found.starts_with(manifest_format_of_any_version))
            throw Error(Code::Newer, "the checkpoint has the format '" + found + "'", file.string(),
                "this version reads " + std::string(manifest_format));
        const std::size_t place = place_of_checksum(text);
        if (place == text.npos || checksum_of(text, place) != text.substr(place, checksum_length))
            throw Error(Code::Damaged, "the manifest does not match its own checksum", file.string(), remedy);
        return manifest_from(json, file.string());
    } catch (const nlohmann::json::exception&) {
        throw Error(Code::Damaged, "the manifest is incomplete", file.string(), remedy);
    }
}

void check_block(const std::filesystem::path& checkpoint, const CheckpointManifest::Block& block)
{
    const std::filesystem::path file = checkpoint / block.file;
    if (sha256_of_file(file) != block.sha256)
        throw Error(Code::Damaged, "the file does not match the checkpoint's manifest", file.string(), remedy);
}

void check_blocks(const std::filesystem::path& checkpoint, const CheckpointManifest& manifest)
{
    for (const CheckpointManifest::Block& block : manifest.blocks)
        check_block(checkpoint, block);
}

std::string checkpoint_name(std::int64_t round)
{
    char name[32];
    std::snprintf(name, sizeof name, "%s%09lld", name_prefix.data(), static_cast<long long>(round));
    return name;
}

std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& run_folder)
{
    std::vector<std::filesystem::path> found;
    std::error_code problem;
    for (std::filesystem::directory_iterator entry(run_folder / "checkpoints", problem), end; !problem && entry != end;
         entry.increment(problem))
        if (entry->path().filename().native().starts_with(name_prefix))
            found.push_back(entry->path());
    std::sort(found.rbegin(), found.rend());
    return found;
}

std::filesystem::path best_of(const std::vector<std::filesystem::path>& checkpoints)
{
    std::filesystem::path best;
    double smallest = std::numeric_limits<double>::infinity();
    for (const std::filesystem::path& checkpoint : checkpoints) {
        try {
            const std::optional<double> loss = read_manifest(checkpoint).loss();
            if (loss && *loss < smallest) {
                smallest = *loss;
                best = checkpoint;
            }
        } catch (const Error&) {
        }
    }
    return best;
}

} // namespace pipebd::experiment
