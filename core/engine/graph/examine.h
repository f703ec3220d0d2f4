// Examination: the dry run of an import. Both networks are read, cut and run forward and backward before anything is kept.
#pragma once

#include "engine/graph/pair_file.h"
#include "engine/models/block.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::engine {

struct ExaminedBlock {
    std::string name; // the teacher's modules in it
    std::string student_modules;
    std::vector<std::int64_t> output_shape; // of the teacher's block, one sample
    std::int64_t teacher_parameters = 0; // numbers, not tensors
    std::int64_t student_parameters = 0;
    std::int64_t gradient_tensors = 0; // the student's parameters that got a gradient
    std::vector<std::string> without_gradient; // those that got none
};

struct Examination {
    Input input;
    int classes = 0;
    std::string teacher_blocks; // block lists as they were used: write these to pair.json
    std::string student_blocks;
    std::string teacher_weights; // checksums (CutNetwork::weights_sha256)
    std::string student_weights;
    std::vector<ExaminedBlock> blocks;
};

/// What is to be examined: a model file, and a block list (block_list.h; empty: the direct children).
struct ExaminedNetwork {
    std::filesystem::path file;
    std::string blocks;
    ModelKind kind = ModelKind::Pt2; // TorchScript is run: the user trusts it
};

/// Reads both files whole (checksums of the archive included), cuts them, and runs them with batches of two and three samples in
/// evaluation and in training mode, the student also backward, each block from the teacher's activations; with `end_to_end_only`
/// from the student's own, and then shapes between blocks may differ. Deterministic; a few seconds for a large network.
/// Throws Error{NotFound}, {Damaged}, {Newer}, or {BadRequest} that says what about the models or block lists does not fit.
///
/// `input` is what goes in where neither file tells (TorchScript); a shape without dimensions: not known.
Examination examine(
    const ExaminedNetwork& teacher, const ExaminedNetwork& student, bool end_to_end_only = false, const Input& input = {});

} // namespace pipebd::engine
