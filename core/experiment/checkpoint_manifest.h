// CheckpointManifest: what a checkpoint holds, beside the tensors (docs/formats/checkpoint.md, pipebd.checkpoint/1).
//
// Every byte of a checkpoint is covered: those of the block files by the SHA-256 in the manifest, those of the manifest by its own.
#pragma once

#include "experiment/experiment.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

struct CheckpointManifest {
    struct Block {
        std::string file; // in the checkpoint's folder
        std::int64_t updates = 0; // steps that the block has been trained
        std::int64_t bytes = 0;
        std::string sha256;
        std::optional<double> loss; // mean since the checkpoint before; none before its first step
        bool operator==(const Block&) const = default;
    };
    std::int64_t round = 0; // steps done, over all phases of the program that was run
    std::vector<Block> blocks; // by number
    std::string teacher_sha256; // of the weights it was taught by; empty: there is no teacher
    Experiment experiment;
    bool operator==(const CheckpointManifest&) const = default;

    /// By block.
    std::vector<std::int64_t> updates() const;

    /// Sum of the blocks' losses; none while one of them has none. Smaller is better.
    std::optional<double> loss() const;
};

/// With its checksum.
std::string to_json(const CheckpointManifest& manifest);

/// Throws Error{NotFound} if there is no manifest, {Newer} for one of a later version, {Damaged} for one that is not as it was
/// written.
CheckpointManifest read_manifest(const std::filesystem::path& checkpoint);

/// Compares a file of a checkpoint, or all of them, with the manifest. Throws Error{NotFound} or {Damaged} that names the file.
void check_block(const std::filesystem::path& checkpoint, const CheckpointManifest::Block& block);
void check_blocks(const std::filesystem::path& checkpoint, const CheckpointManifest& manifest);

/// "round-000000120"; names in the order of rounds.
std::string checkpoint_name(std::int64_t round);

/// The complete checkpoints of a run, newest first, whether sound or not; none if it has none.
std::vector<std::filesystem::path> checkpoints_of(const std::filesystem::path& run_folder);

/// The one with the smallest loss; empty if none has a loss. Those whose manifest cannot be read are left out.
std::filesystem::path best_of(const std::vector<std::filesystem::path>& checkpoints);

} // namespace pipebd::experiment
