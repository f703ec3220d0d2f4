// Derive: which candidate each cell of a supernet is to keep: those with the least loss, block by block, within a budget.
//
// A block's loss depends on its own cells alone, as its input and target are the teacher's. So each block offers choices, each with
// a loss and a cost, and one of each block's is picked. Deterministic.
#pragma once

#include "engine/models/block_costs.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace pipebd::engine {

/// One candidate for each cell of a block.
struct Choice {
    std::vector<int> candidates;
    double loss = 0;
    Cost cost;
};

/// The loss of a block with these candidates; asked once for each choice.
using MeasureLoss = std::function<double(const std::vector<int>& candidates)>;

/// What a block can offer: no choice that is no better than another in loss, nor in what `budget` limits. All there are, if they
/// are few; else the best that is found cell by cell, and what takes its place when cost counts more and more. The choice with the
/// least of each cost that is limited is always considered.
std::vector<Choice> choices_of(const BlockCosts& costs, const Budget& budget, const MeasureLoss& measure);

/// For each block the index of the choice to pick: the least sum of losses that costs no more than `budget`. Throws
/// Error{BadRequest} if there is none, naming the least that can be reached.
std::vector<std::size_t> pick_choices(std::span<const std::vector<Choice>> blocks, const Budget& budget);

/// Throws like pick_choices(), by the costs alone.
void require_within_reach(std::span<const BlockCosts> blocks, const Budget& budget);

} // namespace pipebd::engine
