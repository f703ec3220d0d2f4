// Checkpoint: a folder with a file a block and a manifest, written beside and renamed into place (docs/formats/checkpoint.md).
//
// The block is the unit: whichever ranks own the blocks, the folder is the same. There is always a valid one: a new one has a name
// of its own, and older ones go only once it is there.
#pragma once

#include "engine/models/block.h"
#include "engine/training/optimizer.h"
#include "experiment/checkpoint_manifest.h"
#include "experiment/run_spec.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::engine {

/// Where the checkpoint of `round` is being written; every rank makes it if it is not there.
std::filesystem::path begin_checkpoint(const std::filesystem::path& run_folder, std::int64_t round);

/// Parameters and buffers of a student block under their own names, its optimizer's state as "optimizer.<name>". `updates`: steps
/// done; `loss`: its mean since the checkpoint before.
void write_block(const std::filesystem::path& folder, int block, const Block& student, const Optimizer& optimizer,
    std::int64_t updates, std::optional<double> loss);

/// Once every block is written: the manifest, the rename into place, and the end of all but the newest `run.checkpoint_keep` and
/// the one with the smallest loss. One rank calls it. Returns the folder's final name.
std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder, const experiment::RunSpec& spec, std::int64_t round, const std::string& teacher_sha256);

/// Removes what begin_checkpoint() made. One rank calls it.
void abandon_checkpoint(const std::filesystem::path& folder);

/// Fills a student block and its optimizer's state, as write_block() wrote them: the same bits. Throws Error{NotFound}, {Damaged}
/// for a file that does not match `manifest`, {BadRequest} for one of another model, dtype or optimizer.
void read_block(const std::filesystem::path& checkpoint, const experiment::CheckpointManifest& manifest, int block, Block& student,
    Optimizer& optimizer);

/// Writes the student of a checkpoint, without optimizer state, as one safetensors file.
void export_student(const std::filesystem::path& checkpoint, int blocks, const std::filesystem::path& file);

} // namespace pipebd::engine
