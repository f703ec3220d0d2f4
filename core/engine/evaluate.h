// Evaluation: what the trained student is worth, on one rank after the last step.
#pragma once

#include "engine/backend.h"
#include "engine/data/data_set.h"
#include "engine/models.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// Correct answers / samples on the test split of the blocks one after another, in evaluation mode.
double test_accuracy(const std::vector<Block*>& blocks, const DataSet& data, at::Device device);

/// Chooses a candidate for each cell of the student's supernet blocks: cell after cell, the one with which the block's loss against
/// the teacher, over 64 training samples, is least, the other cells keeping what they have (blockwise supervision of the search as
/// in DNA, CVPR 2020, with a greedy walk in place of its traversal). Leaves the student with that choice and returns
/// architecture.json.
std::string choose_architecture(const experiment::Experiment& experiment, const Pair& pair, const std::vector<Block*>& teacher,
    const std::vector<Block*>& student, const DataSet& data, at::Device device);

/// architecture.json of a network without choices.
std::string fixed_architecture(const Pair& pair, const std::vector<Block*>& network);

} // namespace pipebd::engine
