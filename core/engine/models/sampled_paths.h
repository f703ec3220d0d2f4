// Sampled paths: the few paths through a supernet block whose times stand for all that can be drawn.
#pragma once

#include "engine/models/block.h"

#include <cstdint>
#include <vector>

namespace pipebd::engine {

struct SampledPath {
    std::vector<int> candidates; // by cell; empty: the block has no cells
    double weight = 1; // of all paths' weights, which sum to 1
};

/// Paths that mix candidates: each cell takes its candidates in an order of its own, a function of `seed`, and every candidate of a
/// cell has the same total weight. As cells' times add up, the weighted mean over these paths is the mean over all. There is one
/// path where there are no cells; n where every cell has n candidates.
std::vector<SampledPath> sample_paths(const std::vector<Block::Cell>& cells, std::uint64_t seed);

/// Paths that between them have every candidate of every cell: path p takes candidate p everywhere, or the last. The largest block
/// there is in memory is one of them where candidates are the same in every cell.
std::vector<SampledPath> uniform_paths(const std::vector<Block::Cell>& cells);

} // namespace pipebd::engine
