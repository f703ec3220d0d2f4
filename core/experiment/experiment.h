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

inline constexpr std::int64_t largest_batch = 1 << 20; // samples

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
    std::string network = "student"; // student: distilled from the teacher; teacher, student-on-labels: end to end on labels
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
    std::string architecture; // architecture.json: the student is the one derived from the supernet so. Relative as well.
    bool operator==(const Student&) const = default;
};

struct Distill {
    std::string loss = "mse";
    std::string last_block_loss = "soft-cross-entropy"; // or mse
    bool operator==(const Distill&) const = default;
};

/// Training of a supernet's architecture parameters, as in ProxylessNAS (ICLR 2019); the defaults are Pipe-BD's.
struct Architecture {
    bool train = false; // false: paths are drawn with equal probability
    int every = 5; // an architecture step, on held-out samples, after so many steps on training samples
    double after = 0.25; // the share of the steps before the first of them
    double learning_rate = 0.001; // Adam, without decay
    double beta1 = 0;
    double beta2 = 0.999;
    bool operator==(const Architecture&) const = default;
};

/// How a supernet becomes a student: the choice of cells with the least loss within a budget.
struct Derive {
    double macs = 0; // share of the teacher's multiply-accumulates that the student may have; 0: any
    double parameters = 0; // the same of its parameters
    int samples = 256; // held-out ones, or if there are none training samples, on which losses are measured
    int calibration = 8; // batches of training samples from which the derived student's batch norms take their statistics
    bool operator==(const Derive&) const = default;
};

/// What a stage before or after the distillation has other than [train]. None: there is no such stage.
struct Stage {
    std::optional<double> epochs;
    std::optional<std::int64_t> steps;
    std::optional<std::string> optimizer;
    std::optional<double> learning_rate;
    std::optional<double> momentum;
    std::optional<bool> nesterov;
    std::optional<double> weight_decay;
    std::optional<std::string> schedule;
    bool operator==(const Stage&) const = default;
};

struct Stages {
    Stage teacher; // trained on labels, to distil from
    Stage finetune; // of the distilled student, on labels
    bool operator==(const Stages&) const = default;
};

struct Run {
    std::string strategy = "auto"; // auto: profile, search, run the best
    std::string stages; // "0-2 on 0,1 | 3-5 on 2": blocks on devices as they are to be; empty: searched
    std::string devices = "auto";
    std::string dtype = "float32"; // bfloat16
    std::string batch_norm = "sync"; // local
    double checkpoint_minutes = 10;
    std::optional<std::int64_t> checkpoint_steps; // instead of minutes
    int checkpoint_keep = 2; // newest ones that are kept, beside the best
    std::string checkpoint_failure = "stop"; // the run; or warn, and go on
    double timeout = 10; // seconds without a sign of progress from a rank after which the run fails
    double join_timeout = 180; // the same until a rank has joined: from its start, or its last sign of progress
    double stop_grace = 30; // seconds that a run has to save what it has come to once it is told to stop
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
    Architecture architecture;
    Derive derive;
    Stages stage;
    Run run;
    bool operator==(const Experiment&) const = default;
};

/// Whether the student learns from the teacher, block by block; else a network is trained end to end on labels.
inline bool distils(const Experiment& experiment)
{
    return experiment.train.network == "student";
}

/// Reads and checks `file`, with `settings` ("train.steps=20") laid over it: the right side is a TOML value, or else a text without
/// quotes. Unknown keys (the nearest known one is suggested), wrong types and impossible values are Error{BadRequest} whose place
/// is "FILE:LINE" or "--set SETTING"; of two keys that exclude each other a setting drops the one in the file. `data.path`,
/// `teacher.weights`, `student.weights` and `student.architecture` become absolute and must be there. Throws Error{NotFound} for
/// what is missing, this file or one of those.
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
