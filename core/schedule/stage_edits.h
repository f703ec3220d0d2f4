// Edits of stages by hand. Each gives stages that have no fault if those that it was given have none; blocks keep their order.
//
// Stages are named by their place, from 0. What moves blocks leaves the devices alone; what moves devices deals them out again,
// ascending, so that stages own consecutive ones.
#pragma once

#include "schedule/schedule.h"

#include <span>
#include <string>
#include <vector>

namespace pipebd::schedule {

struct Edited {
    std::vector<Stage> stages; // empty if it cannot be
    std::string why_not; // in words, if it cannot be

    bool possible() const { return why_not.empty(); }
};

/// Gives `block` to stage `to`, and with it the blocks between. A stage on the way that would lose all its blocks takes the next
/// ones from the other side; the stage that the block was of must keep one.
Edited move_block(std::span<const Stage> stages, int block, int to);

/// Gives the last block of stage `from` to the stage after it, or its first to the one before it.
Edited give_block(std::span<const Stage> stages, int from, int to);

/// One device of stage `from` goes to stage `to`.
Edited give_device(std::span<const Stage> stages, int from, int to);

/// Stage `to` has one more, the first of `devices` devices that no stage has.
Edited add_device(std::span<const Stage> stages, int to, int devices);

/// Stage `from` has one less, the last of all; no stage has it any more.
Edited drop_device(std::span<const Stage> stages, int from);

/// Cuts stage `stage` before `block`; its first `devices` devices go to the part before.
Edited split_stage(std::span<const Stage> stages, int stage, int block, int devices);

/// Joins stage `stage` and the one after it.
Edited join_stages(std::span<const Stage> stages, int stage);

} // namespace pipebd::schedule
