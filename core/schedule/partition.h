// Partition: cuts a sequence of blocks into contiguous stages so that the slowest stage is as fast as can be.
#pragma once

#include "schedule/profile.h"
#include "schedule/strategies.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace pipebd::schedule {

/// The stages 0 to `stages` - 1, one device each, whose largest stage_cost is least among all contiguous partitions in which every
/// stage fits `memory_limit`. Exact. Ties go to the partition whose list of cuts is lexicographically smallest. Empty if none fits.
std::vector<Stage> best_partition(const Profile& profile, int stages, std::optional<std::int64_t> memory_limit);

/// How many ways there are to cut `blocks` blocks into `stages` contiguous stages; the largest number if that is too small for
/// them.
std::int64_t count_partitions(int blocks, int stages);

} // namespace pipebd::schedule
