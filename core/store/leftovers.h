// Leftovers: what killed processes have left in the folders of runs.
#pragma once

#include "store/run_record.h"

#include <cstddef>
#include <span>

namespace pipebd::store {

/// Removes the unfinished checkpoints of those of `runs` that have ended, under their locks: nobody writes them. Returns how many.
/// What cannot be removed is left.
std::size_t remove_leftovers(std::span<const RunRecord> runs);

} // namespace pipebd::store
