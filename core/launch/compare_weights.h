// Comparing the weights that two runs have trained, block by block.
#pragma once

#include <filesystem>
#include <vector>

namespace pipebd::launch {

/// Of the parameters and buffers of one block.
struct BlockDifference {
    double largest = 0; // |a - b|; infinite where one of them is not finite and the other is not the same
    double largest_value = 0; // |b|
    bool bit_identical = true;
};

/// The newest checkpoints of two run folders. Throws Error{NotFound} if a run has none, {Damaged} if they are not of the same blocks
/// and tensors.
std::vector<BlockDifference> compare_weights(
    const std::filesystem::path& run, const std::filesystem::path& reference, int blocks);

} // namespace pipebd::launch
