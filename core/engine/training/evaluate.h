// Evaluation: what a network is worth, on one rank after the last step.
#pragma once

#include "engine/data/data_set.h"
#include "engine/training/models.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace pipebd::engine {

/// The samples [begin, end) of a split, in the order in which they lie there.
std::vector<Sample> samples_between(std::int64_t begin, std::int64_t end);

/// Correct answers / samples.
struct Accuracy {
    double top1 = 0;
    std::optional<double> top5; // the label is among the five likeliest; none where there are fewer than five classes
};

/// On the test split, in evaluation mode. `progress` is called now and then with the share that is done.
Accuracy test_accuracy(
    const std::vector<Block*>& blocks, const DataSet& data, at::Device device, const std::function<void(double)>& progress = {});

/// Gives batch norms the mean of the statistics of the first `batches` batches of the experiment's training samples, as they come
/// to them through the blocks before. Does nothing for 0.
void calibrate(const std::vector<Block*>& blocks, const experiment::Experiment& experiment, std::int64_t batches,
    const DataSet& data, at::Device device);

} // namespace pipebd::engine
