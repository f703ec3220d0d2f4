// DataSet: labelled samples, made into batches.
//
// A sample is the same bits in every batch, whatever the strategy, rank, shard or thread that asks for it: training samples are
// augmented as a function of seed, epoch and index, the others are not.
#pragma once

#include "engine/models/block.h"
#include "experiment/experiment.h"

#include <ATen/core/Tensor.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace pipebd::engine {

struct Batch {
    at::Tensor input; // [rows, channels, height, width], float32, channels last; or a text's [rows, tokens], int64
    at::Tensor labels; // [rows], int64
};

/// One sample of a split, as one epoch sees it.
struct Sample {
    std::int64_t index = 0;
    std::int64_t epoch = 0; // of augmentation; without meaning where there is none
    auto operator<=>(const Sample&) const = default;
};

class DataSet {
public:
    virtual ~DataSet() = default;

    /// Train: what students are trained on. HeldOut: the share data.held_out of the source's training samples, set aside as a
    /// function of seed and index; not augmented; none by default. Test: the source's own.
    enum class Split { Train, HeldOut, Test };

    virtual std::int64_t size(Split split) const = 0;
    virtual int classes() const = 0;

    /// These samples of `split`, on the CPU. May be called by several threads at once. Throws Error{Damaged} once more samples
    /// than data.broken_limit could not be read.
    virtual Batch get(Split split, std::span<const Sample> samples) const = 0;
};

/// How a rank reads its data; none of it changes what is read.
struct Reading {
    int threads = 0; // that read beside the one that calls
    std::function<void(const std::string&)> warn = {}; // of each broken sample, once; called by any of the threads
    std::function<void()> progress = {}; // after each sample that was read; by any of the threads
};

/// The data that `experiment` names, for a pair that takes `input` and tells `classes` apart. Throws Error{BadRequest} for data
/// that the pair cannot take, {NotFound} or {Damaged} for files.
std::unique_ptr<DataSet> open_data(
    const experiment::Experiment& experiment, const Input& input, int classes, const Reading& reading = {});

} // namespace pipebd::engine
