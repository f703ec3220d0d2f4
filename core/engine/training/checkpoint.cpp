#include "engine/training/checkpoint.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "engine/models/tensor_file.h"

#include <cstdio>

namespace pipebd::engine {

namespace {

using experiment::CheckpointManifest;

constexpr std::string_view optimizer_prefix = "optimizer.";

std::string block_file(int block)
{
    return "block" + std::to_string(block) + ".safetensors";
}

/// Parameters and buffers of a block and its optimizer's state, as they are named in a checkpoint; they share the tensors' memory.
std::vector<NamedTensor> state_of(const Block& student, const Optimizer& optimizer)
{
    std::vector<NamedTensor> tensors = student.parameters();
    tensors.insert(tensors.end(), student.buffers().begin(), student.buffers().end());
    for (const NamedTensor& state : optimizer.state())
        tensors.push_back({std::string(optimizer_prefix) + state.name, state.tensor});
    return tensors;
}

void remove_older(const std::filesystem::path& run_folder, int kept)
{
    const std::vector<std::filesystem::path> checkpoints = experiment::checkpoints_of(run_folder);
    const std::filesystem::path best = experiment::best_of(checkpoints);
    std::error_code ignored;
    for (std::size_t i = static_cast<std::size_t>(kept); i < checkpoints.size(); ++i)
        if (checkpoints[i] != best)
            std::filesystem::remove_all(checkpoints[i], ignored);
}

CheckpointManifest::Block entry_of(const std::filesystem::path& folder, int block)
{
    const std::filesystem::path file = folder / block_file(block);
    const SafetensorsFile contents(file);
    CheckpointManifest::Block entry{.file = block_file(block),
        .updates = std::stoll(contents.metadata().at("updates")),
        .bytes = static_cast<std::int64_t>(std::filesystem::file_size(file)),
        .sha256 = sha256_of_file(file),
        .loss = {}};
    if (const auto loss = contents.metadata().find("loss"); loss != contents.metadata().end())
        entry.loss = std::stod(loss->second);
    return entry;
}

} // namespace

std::filesystem::path begin_checkpoint(const std::filesystem::path& run_folder, std::int64_t round)
{
    std::filesystem::path folder = run_folder / "checkpoints" / ("." + experiment::checkpoint_name(round) + ".partial");
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure)
        throw system_error("cannot create the checkpoint's folder", folder.string(), failure.value());
    return folder;
}

void write_block(const std::filesystem::path& folder, int block, const Block& student, const Optimizer& optimizer,
    std::int64_t updates, std::optional<double> loss)
{
    std::map<std::string, std::string> metadata = {{"block", std::to_string(block)}, {"updates", std::to_string(updates)}};
    if (loss) {
        char text[32];
        std::snprintf(text, sizeof text, "%.17g", *loss);
        metadata.emplace("loss", text);
    }
    write_tensors(folder / block_file(block), state_of(student, optimizer), metadata);
}

std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder, const experiment::RunSpec& spec, std::int64_t round, const std::string& teacher_sha256)
{
    // Sample order and sampled paths are functions of the seed and the step: there is no generator whose state could be lost.
    CheckpointManifest manifest{.round = round, .blocks = {}, .teacher_sha256 = teacher_sha256, .experiment = spec.experiment};
    for (int block = 0; block < spec.program.blocks; ++block)
        manifest.blocks.push_back(entry_of(folder, block));
    replace_file(folder / "manifest.json", to_json(manifest));

    std::filesystem::path final_name = folder.parent_path() / experiment::checkpoint_name(round);
    std::error_code failure;
    std::filesystem::remove_all(final_name, failure);
    std::filesystem::rename(folder, final_name, failure);
    if (failure)
        throw system_error("cannot move the checkpoint to its place", final_name.string(), failure.value());
    sync_folder(folder.parent_path());
    remove_older(folder.parent_path().parent_path(), spec.experiment.run.checkpoint_keep);
    return final_name;
}

void abandon_checkpoint(const std::filesystem::path& folder)
{
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

void read_block(
    const std::filesystem::path& checkpoint, const CheckpointManifest& manifest, int block, Block& student, Optimizer& optimizer)
{
    const CheckpointManifest::Block& entry = manifest.blocks.at(static_cast<std::size_t>(block));
    experiment::check_block(checkpoint, entry);
    const std::filesystem::path file = checkpoint / entry.file;
    const SafetensorsFile contents(file);
    for (const NamedTensor& tensor : state_of(student, optimizer))
        read_tensor(tensor, contents, file.string());
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
