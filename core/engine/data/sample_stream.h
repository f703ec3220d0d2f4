// SampleStream: which training samples make up a batch.
//
// The stream is the data set's epochs one after another, each in an order that is a function of seed and epoch. Step k takes the
// stream's samples [k * batch, (k + 1) * batch): every batch has exactly `batch` samples, none is left out.
#pragma once

#include "engine/data/data_set.h"
#include "experiment/experiment.h"
#include "schedule/program.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// Keeps the order of the epochs it is in. One thread.
class SampleStream {
public:
    /// Of `size` samples. `experiment` outlives it. With another name in place of "order", a stream in an order of its own.
    SampleStream(const experiment::Experiment& experiment, std::int64_t size, std::string_view order = "order");

    /// Those of the rows `rows` of the batch of `step`.
    std::vector<Sample> samples(std::int64_t step, schedule::Rows rows);

private:
    const std::vector<std::int64_t>& order_of(std::int64_t epoch);

    const experiment::Experiment& experiment_;
    std::int64_t size_;
    std::uint64_t order_;
    std::map<std::int64_t, std::vector<std::int64_t>> orders_; // of the newest epochs
};

/// The samples of the rows `rows` of the batch of `step`, once.
std::vector<Sample> batch_samples(
    const experiment::Experiment& experiment, std::int64_t size, std::int64_t step, schedule::Rows rows);

/// Steps that the experiment asks for: train.steps, or as many as it takes for epochs * size / batch, rounded up, of them to be on
/// training samples (architecture_steps.h).
std::int64_t steps_of(const experiment::Experiment& experiment, std::int64_t size);

} // namespace pipebd::engine
