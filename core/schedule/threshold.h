// Threshold: the least cost such that the blocks can go to the devices in stages none of which costs more.
#pragma once

#include "schedule/placements.h"
#include "schedule/stage_table.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace pipebd::schedule {

struct Threshold {
    double cost = 0;
    /// By first block and placement, placements.all.size() of them a block: the longest stage that fits and costs no more ends
    /// before this block; the first block if there is none. All shorter ones fit and cost no more, too.
    std::vector<int> ends;
};

/// Nothing if there is no candidate. A selection among the costs of all stages, with a test of feasibility for each cost that is
/// tried; a test takes blocks x placements x devices / 64 steps.
std::optional<Threshold> least_threshold(const StageTable& table, const Placements& placements);

} // namespace pipebd::schedule
