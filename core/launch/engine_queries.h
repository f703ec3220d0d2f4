// What the engine is asked before a run: which devices there are, whether an experiment can be run, what its blocks cost.
//
// All start the engine (engine_program()), wait for its answer and throw the Error that it reports; Error{Cancelled} once `cancel`
// is set.
#pragma once

#include "experiment/experiment.h"
#include "schedule/profile.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace pipebd::launch {

struct EngineDevice {
    experiment::Device::Kind kind = experiment::Device::Kind::Cpu;
    int index = 0;
    int cores = 0; // of the CPU
    std::string name;
    std::int64_t bytes = 0;
    std::string libtorch; // its version
    std::string telemetry; // "available", or "no GPU telemetry (...)"
};

/// The CPU first, then the GPUs.
std::vector<EngineDevice> engine_devices(const std::atomic<bool>& cancel);

/// Every GPU; without any, one `cpu` for each core.
std::vector<experiment::Device> every_device(const std::vector<EngineDevice>& devices);

struct EnginePair {
    std::string name;
    std::vector<std::string> blocks;
    std::vector<std::int64_t> input; // shape of one sample
    std::int64_t vocabulary = 0; // of a text
    int classes = 0;
    bool end_to_end_only = false; // blocks of the two networks give different shapes: it is planned, not run
};

/// The pairs that are built in.
std::vector<EnginePair> engine_pairs(const std::atomic<bool>& cancel);

/// What pipebd.pair-description/1 says of one block of a network.
struct BlockDescription {
    struct Range {
        std::int64_t smallest = 0;
        std::int64_t mean = 0;
        std::int64_t largest = 0;
    };
    std::vector<std::int64_t> output;
    std::int64_t parameters = 0;
    std::int64_t bytes = 0;
    Range macs; // over the paths of a supernet
};

struct PairDescription {
    EnginePair pair;
    std::vector<BlockDescription> teacher; // by block
    std::vector<BlockDescription> student;
    std::string json; // pipebd.pair-description/1
};

/// A built-in pair, or the one imported into `folder`. Seconds, for a large one.
PairDescription describe_pair(const std::string& name, const std::filesystem::path& folder, const std::atomic<bool>& cancel);

struct Checked {
    std::int64_t steps = 0; // of each phase
    std::vector<std::string> blocks;
    std::int64_t train_samples = 0;
    std::int64_t test_samples = 0;
};

/// What is to be trained: an experiment, and where its pair lies.
struct Work {
    experiment::Experiment experiment;
    std::filesystem::path pair_folder; // of an imported pair; empty: the pair is built in
};

/// Whether pair, data and weights are there and fit together.
Checked check(const Work& work, const std::vector<experiment::Device>& devices, const std::atomic<bool>& cancel);

/// How a network does on the test data.
struct Evaluated {
    std::int64_t correct = 0; // samples classified right
    std::int64_t samples = 0;
    int classes = 0;
};

/// The teacher of `work` on the test data of its experiment, on one CPU; minutes for a large one.
Evaluated evaluate_teacher(const Work& work, const std::atomic<bool>& cancel);

/// Throws Error{BadRequest} unless all are of one kind, with the same threads.
void require_alike(const std::vector<experiment::Device>& devices);

/// Measures the blocks on `devices`, which are alike, for the samples that each may get and for those of `further`; a few minutes
/// at most. `progress` is told what is being done and the fraction done.
schedule::Profile measure(const Work& work, const std::vector<experiment::Device>& devices,
    const std::vector<std::int64_t>& further, const std::function<void(const std::string& doing, double fraction)>& progress,
    const std::atomic<bool>& cancel);

} // namespace pipebd::launch
