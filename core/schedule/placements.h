// Placements: where in a cluster stages may stand, those together that cost the same for the same blocks.
//
// What a stage costs depends on where it stands and on the stage before, whose devices relay to it. Of the stage before, given
// where it ends, no more matters than how many nodes it has devices in: those nodes are the last so many before that position.
#pragma once

#include "schedule/positions.h"
#include "schedule/stage_table.h"

#include <cstddef>
#include <vector>

namespace pipebd::schedule {

/// Stages of one kind and width, all after stages with devices in so many nodes.
struct Placement {
    std::size_t row = 0; // of the table
    int devices = 1;
    int nodes_before = 0; // that the stage before has devices in, less 1; a first stage stands as after a stage in one node
    int nodes = 0; // that the stage has devices in, less 1
    Positions first; // where the stage may begin
};

struct Placements {
    int node_counts = 1; // `nodes` and `nodes_before` are less than this; the last of them means so many or more
    std::vector<Placement> all; // by devices, ascending
};

/// Every stage of a width that the table allows is in one placement for each number of nodes that may be before it.
Placements placements(const Cluster& cluster, StageTable& table);

} // namespace pipebd::schedule
