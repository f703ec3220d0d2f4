#include "engine/checkpoint.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "engine/tensor_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace pipebd::engine {

namespace {

using nlohmann::json;

constexpr std::string_view format = "pipebd.checkpoint/1";
constexpr std::string_view optimizer_prefix = "optimizer.";
constexpr std::size_t kept = 2;

std::string name_of(std::int64_t round)
{
    char name[32];
    std::snprintf(name, sizeof name, "round-%09lld", static_cast<long long>(round));
    return name;
}

std::string block_file(int block)
{
    return "block" + std::to_string(block) + ".safetensors";
}

void remove_older(const std::filesystem::path& folder)
{
    std::vector<std::filesystem::path> checkpoints;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().filename().string().starts_with("round-"))
            checkpoints.push_back(entry.path());
    }
    std::sort(checkpoints.rbegin(), checkpoints.rend());
    std::error_code ignored;
    for (std::size_t i = kept; i < checkpoints.size(); ++i)
        std::filesystem::remove_all(checkpoints[i], ignored);
}

} // namespace

std::filesystem::path begin_checkpoint(const std::filesystem::path& run_folder, std::int64_t round)
{
    std::filesystem::path folder = run_folder / "checkpoints" / ("." + name_of(round) + ".partial");
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        throw system_error("the checkpoint's folder cannot be made", folder.string(), failure.value());
    return folder;
}

void write_block(
    const std::filesystem::path& folder, int block, const Block& student, const Optimizer& optimizer, std::int64_t updates)
{
    std::vector<NamedTensor> tensors = student.parameters();
    tensors.insert(tensors.end(), student.buffers().begin(), student.buffers().end());
    for (NamedTensor& state : optimizer.state())
        tensors.push_back({std::string(optimizer_prefix) + state.name, state.tensor});
    write_tensors(folder / block_file(block), tensors, {{"block", std::to_string(block)}, {"updates", std::to_string(updates)}});
}

std::filesystem::path commit_checkpoint(const std::filesystem::path& folder, const experiment::RunSpec& spec, std::int64_t round)
{
    json blocks = json::array();
    for (int block = 0; block < spec.program.blocks; ++block) {
        std::filesystem::path file = folder / block_file(block);
        SafetensorsFile contents(file);
        blocks.push_back({{"block", block}, {"file", block_file(block)}, {"updates", std::stoll(contents.metadata().at("updates"))},
            {"bytes", std::filesystem::file_size(file)}, {"sha256", sha256_of_file(file)}});
    }
    // Sample order and sampled paths are functions of the seed and the step: there is no generator whose state could be lost.
    json manifest{{"format", format}, {"round", round}, {"blocks", blocks}, {"seed", spec.experiment.seed},
        {"experiment", json::parse(to_json(spec.experiment))}};
    replace_file(folder / "manifest.json", manifest.dump(2) + "\n");

    std::filesystem::path final_name = folder.parent_path() / name_of(round);
    std::error_code failure;
    std::filesystem::remove_all(final_name, failure);
    std::filesystem::rename(folder, final_name, failure);
    if (failure)
        throw system_error("the checkpoint cannot be put in its place", final_name.string(), failure.value());
    sync_folder(folder.parent_path());
    remove_older(folder.parent_path());
    return final_name;
}

void check_checkpoint(const std::filesystem::path& folder)
{
    std::filesystem::path manifest_file = folder / "manifest.json";
    json manifest = json::parse(read_file(manifest_file), nullptr, false);
    try {
        if (manifest.is_discarded() || !manifest.is_object())
            throw Error(Code::Damaged, "the manifest is not JSON", manifest_file.string(), "use an older checkpoint");
        std::string found = manifest.at("format");
        if (found != format)
            throw Error(found.starts_with("pipebd.checkpoint/") ? Code::Newer : Code::Damaged,
                "the checkpoint's format is '" + found + "'", manifest_file.string(), "this version reads " + std::string(format));
        for (const json& block : manifest.at("blocks")) {
            std::filesystem::path file = folder / block.at("file").get<std::string>();
            if (sha256_of_file(file) != block.at("sha256").get<std::string>())
                throw Error(
                    Code::Damaged, "the file does not match the checkpoint's manifest", file.string(), "use an older checkpoint");
        }
    } catch (const json::exception&) {
        throw Error(Code::Damaged, "the manifest is incomplete", manifest_file.string(), "use an older checkpoint");
    }
}

void export_student(const std::filesystem::path& checkpoint, int blocks, const std::filesystem::path& file)
{
    std::vector<SafetensorsFile> files;
    std::vector<TensorView> tensors;
    for (int block = 0; block < blocks; ++block) {
        files.emplace_back(checkpoint / block_file(block));
        for (const TensorView& tensor : files.back().tensors()) {
            if (!tensor.name.starts_with(optimizer_prefix))
                tensors.push_back(tensor);
        }
    }
    write_safetensors(file, tensors);
}

} // namespace pipebd::engine
