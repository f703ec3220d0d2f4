// Data: samples in memory, and which of them make up a batch.
//
// The training stream is the data set's epochs one after another, each in an order that is a function of seed and epoch. Step k
// takes the stream's samples [k * batch, (k + 1) * batch): every batch has exactly `batch` samples, none is left out.
#pragma once

#include "engine/block.h"
#include "experiment/experiment.h"
#include "schedule/program.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace pipebd::engine {

struct Batch {
    at::Tensor input; // [rows, channels, height, width], float32, channels last; or a text's [rows, tokens], int64
    at::Tensor labels; // [rows], int64
};

class DataSet {
public:
    virtual ~DataSet() = default;

    enum class Split { Train, Test };
    virtual std::int64_t size(Split split) const = 0;
    virtual int classes() const = 0;

    /// The samples of these indices, on the CPU; `place` seeds augmentation, one draw a sample. May be called by several threads at
    /// once: loading has a thread of its own.
    virtual Batch get(Split split, const std::vector<std::int64_t>& indices, std::uint64_t place) const = 0;
};

/// Throws Error{BadRequest} for a source that is not known, {NotFound} or {Damaged} for its files.
std::unique_ptr<DataSet> open_data(const experiment::Experiment& experiment, const Input& input, int classes);

/// The training stream, as indices of samples. Keeps the order of the epochs it is in. One thread.
class SampleStream {
public:
    SampleStream(const experiment::Experiment& experiment, std::int64_t size);

    /// Those of the samples `rows` of the batch of `step`.
    std::vector<std::int64_t> indices(std::int64_t step, schedule::Rows rows);

private:
    const std::vector<std::int64_t>& order_of(std::int64_t epoch);

    const experiment::Experiment& experiment_;
    std::int64_t size_;
    std::map<std::int64_t, std::vector<std::int64_t>> orders_; // of the newest epochs
};

/// Indices of the samples `rows` of the batch of `step`, once.
std::vector<std::int64_t> batch_indices(
    const experiment::Experiment& experiment, std::int64_t size, std::int64_t step, schedule::Rows rows);

/// Steps that the experiment asks for: train.steps, or epochs * size / batch rounded up.
std::int64_t steps_of(const experiment::Experiment& experiment, std::int64_t size);

} // namespace pipebd::engine
