// BlockCosts: what one sample costs a block, and how large it is; of a supernet for every candidate of every cell.
#pragma once

#include "engine/models/block.h"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace pipebd::engine {

/// Of a forward pass of one sample: multiply-accumulates (macs.h), and elements of the parameters that it uses.
struct Cost {
    std::int64_t macs = 0;
    std::int64_t parameters = 0;
    bool operator==(const Cost&) const = default;
};

Cost operator+(const Cost& a, const Cost& b);

/// Of a whole student, at most.
struct Budget {
    static constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
    Cost most{.macs = any, .parameters = any};
};

struct BlockCosts {
    Cost fixed; // of what is in no cell
    std::vector<std::vector<Cost>> cells; // by cell and candidate, in the order of Block::cells()

    /// With one candidate chosen for each cell.
    Cost of(std::span<const int> candidates) const;

    /// With the candidate of each cell that has least, or most, of `what`; the mean over all paths. All the same without cells.
    std::int64_t smallest(std::int64_t Cost::*what) const;
    std::int64_t largest(std::int64_t Cost::*what) const;
    double mean(std::int64_t Cost::*what) const;
};

/// One block of a network, run on one sample.
struct BlockFigures {
    std::vector<std::int64_t> output; // its shape, without the batch dimension
    BlockCosts costs;
    std::vector<Block::Cell> cells; // as costs.cells
    std::int64_t parameters = 0; // elements of all of them, those of every candidate included
    std::int64_t bytes = 0; // of all parameters and buffers
};

enum class Network { Teacher, Student };

/// Of every block, each run on what the one before it gives. Computes on the CPU; weights are neither drawn nor read where the pair
/// is built in.
std::vector<BlockFigures> figures_of(const Pair& pair, Network network);

/// Only the shapes: of one sample of each block's output, without the batch dimension.
std::vector<std::vector<std::int64_t>> output_shapes(const Pair& pair, Network network);

} // namespace pipebd::engine
