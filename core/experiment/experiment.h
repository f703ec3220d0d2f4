// Experiment: what to train on what data, how, and where; an experiment file (TOML, docs/formats/experiment.md) or its JSON.
#pragma once

#include "experiment/devices.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

struct Data {
    std::string source = "digits"; // digits, synthetic, cifar10, cifar100, imagefolder, tensors
    std::string path; // of a source of files. Relative to the experiment file.
    int batch = 64; // global, samples
    bool shuffle = true;
    std::string augment = "none"; // crop-flip, imagenet
    double held_out = 0; // share of the training samples that is set aside, for the architecture
    int broken_limit = 100; // samples that a rank may find broken; with one more the run fails
    std::optional<std::int64_t> workers; // threads that read beside each rank's loader; without: chosen by the engine
    bool operator==(const Data&) const = default;
};

struct Train {
    std::string network = "student"; // student: distilled from the teacher; teacher: the teacher itself, end to end on labels
    double epochs = 4;
    std::optional<std::int64_t> steps; // instead of epochs
    std::string optimizer = "sgd"; // sgd, adam, adamw, rmsprop
    double learning_rate = 0.05;
    double momentum = 0.9;
    bool nesterov = true;
    double weight_decay = 0;
    std::string schedule = "cosine"; // constant, cosine, step
    bool operator==(const Train&) const = default;
};

struct Teacher {
    std::string weights; // safetensors; empty: those that come with a built-in pair. Relative to the experiment file.
    bool fold_batch_norm = true; // into the convolutions before it: the same outputs to rounding, in less time
    bool operator==(const Teacher&) const = default;
};

struct Student {
    std::string weights; // safetensors to begin from; empty: drawn from the seed. Relative to the experiment file.
    bool operator==(const Student&) const = default;
};

struct Distill {
    std::string loss = "mse";
    std::string last_block_loss = "soft-cross-entropy"; // or mse
    bool operator==(const Distill&) const = default;
};

struct Run {
    std::string strategy = "auto"; // auto: profile, search, run the best
    std::string devices = "auto";
    std::string dtype = "float32"; // bfloat16
    std::string batch_norm = "sync"; // local
    double checkpoint_minutes = 10;
    std::optional<std::int64_t> checkpoint_steps; // instead of minutes
    int checkpoint_keep = 2; // newest ones that are kept, beside the best
    std::string checkpoint_failure = "stop"; // the run; or warn, and go on
    double timeout = 10; // seconds without a sign of progress from a rank after which the run fails
    bool operator==(const Run&) const = default;
};

struct Experiment {
    std::string name; // default: the file's name without its suffix
    std::string pair;
    std::uint64_t seed = 0;
    Data data;
    Train train;
    Teacher teacher;
    Student student;
    Distill distill;
    Run run;
    bool operator==(const Experiment&) const = default;
};

/// Reads and checks `file`, with `settings` ("train.steps=20") laid over it: the right side is a TOML value, or else a text without
/// quotes. Unknown keys (the nearest known one is suggested), wrong types and impossible values are Error{BadRequest} whose place
/// is "FILE:LINE" or "--set SETTING"; of two keys that exclude each other a setting drops the one in the file. `data.path`,
/// `teacher.weights` and `student.weights` become absolute and must be there. Throws Error{NotFound} for what is missing, this file
/// or one of those.
Experiment read_experiment(const std::filesystem::path& file, std::span<const std::string> settings = {});

/// The same for text; `where` stands for the file's name. Paths stay as they are.
Experiment parse_experiment(std::string_view toml, std::string_view where, std::span<const std::string> settings = {});

/// `experiment` with `settings` laid over it, as they are over a file.
Experiment changed(const Experiment& experiment, std::span<const std::string> settings);

/// The keys whose values differ, dotted, in the order of docs/formats/experiment.md.
std::vector<std::string> differing_keys(const Experiment& a, const Experiment& b);

/// Every key with its value; experiment_from_json(to_json(e)) == e. Reading lets unknown keys be and gives missing ones, but
/// `pair`, their defaults. Throws Error{Damaged} for what is not JSON, Error{BadRequest} with `where` and the key for a value that
/// cannot be.
std::string to_json(const Experiment& experiment);
Experiment experiment_from_json(std::string_view json, std::string_view where);

} // namespace pipebd::experiment
