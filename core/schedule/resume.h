// Resume: where a program goes on when its blocks have been trained for some steps already.
//
// Blocks never depend on each other's weights, so that each may have come to a step of its own, under another program, on other
// devices. A phase goes on from the first batch that one of its blocks lacks; what is done for a block that has had the batch is
// left out.
#pragma once

#include "schedule/program.h"

#include <cstdint>
#include <vector>

namespace pipebd::schedule {

/// By phase and device: the first batch, of `steps`, that the device has something to do for, when block b has been trained on the
/// first done[b] batches (empty: on none). Devices that exchange anything in the phase begin at the same batch; `steps`: there is
/// nothing to do. Where nothing is trained it is 0. A device that has instructions and nothing to train begins at 0.
std::vector<std::vector<std::int64_t>> first_steps(
    const Program& program, const std::vector<std::int64_t>& done, std::int64_t steps);

/// The devices of `program` in sets: those of a set exchange something in some phase, directly or through others; those of two sets
/// never do. Each device is in one set; sets and what is in them ascend.
std::vector<std::vector<int>> devices_that_exchange(const Program& program);

/// Steps over all phases that need not be repeated, with what first_steps() gave: of each phase, those of the device that is
/// furthest behind.
std::int64_t steps_kept(const std::vector<std::vector<std::int64_t>>& first_steps, std::int64_t steps);

/// Steps over all phases before any device has something to do, with what first_steps() gave.
std::int64_t first_round(const std::vector<std::vector<std::int64_t>>& first_steps, std::int64_t steps);

/// Whether `instruction` is the student's work on a block that has been trained on `batch` already.
bool is_done(const Instruction& instruction, std::int64_t batch, const std::vector<std::int64_t>& done);

} // namespace pipebd::schedule
