// Importing a pair: the user's model files are copied into the lab, and an engine process with limits opens, cuts and tries them.
//
// This process never opens a model file but to copy it: what a broken or hostile one can do, it does to the engine.
#pragma once

#include "store/lab.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::launch {

struct PairImport {
    struct Network {
        std::filesystem::path file;
        std::string blocks; // where to cut it (docs/formats/pair.md); empty: at its children
    };

    std::string name;
    Network teacher;
    Network student;
    bool trust = false; // TorchScript may be run
    bool end_to_end = false; // activations between the blocks may differ
    std::vector<std::int64_t> input; // of one sample, where neither file tells (TorchScript); empty: not given
    std::int64_t vocabulary = 0; // if `input` is tokens: these are below it
};

/// What the dry run has found.
struct ImportedBlock {
    std::string name; // the teacher's modules in it
    std::string student_modules;
    std::vector<std::int64_t> output_shape; // of one sample
    std::int64_t teacher_parameters = 0;
    std::int64_t student_parameters = 0;
    std::int64_t gradient_tensors = 0; // of the student, that got a gradient
    std::vector<std::string> without_gradient; // that got none
};

struct ImportedPair {
    store::StoredPair stored;
    std::string description; // pair.json
    std::string teacher_weights; // SHA-256, as resources/python/export_pair.py prints it
    std::string student_weights;
    std::vector<ImportedBlock> blocks;
};

/// Limits of the engine. It gets `address_space` and sixteen times the files' size on top, and CPU time for all cores.
struct ImportLimits {
    std::uint64_t address_space = std::uint64_t{8} << 30; // bytes
    std::chrono::milliseconds time{600'000}; // of it all
    std::chrono::milliseconds silence{30'000}; // without any progress
    std::chrono::milliseconds time_of_programs{30'000}; // of it all, instead of `time`, where TorchScript may be run
};

/// Throws Error{BadRequest} for a name that is taken or cannot be, and for files of another kind, with what to do instead; what
/// the models have against being cut; {TimedOut} or {RankDied} if the engine hangs or dies, within the limits; Error{Cancelled}.
/// The lab is then as it was.
ImportedPair import_pair(
    store::Lab& lab, const PairImport& import, const std::atomic<bool>& cancel, const ImportLimits& limits = {});

} // namespace pipebd::launch
