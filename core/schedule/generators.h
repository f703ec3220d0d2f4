// Generators: from the stages of a schedule to the program that every device runs. Devices of a stage that exchange nothing but
// all-reduces are copies of its first.
#pragma once

#include "schedule/folded_program.h"
#include "schedule/program.h"
#include "schedule/schedule.h"

namespace pipebd::schedule {

/// One stage, ir and single: each block's teacher, student, all-reduce and update, one block after another, on every device's
/// shard.
FoldedProgram internal_relay_program(const Schedule& schedule);

/// dp, ls: a phase a block of a device: its devices load their shards, run the teacher up to the block and train it.
FoldedProgram repeated_program(const Schedule& schedule);

/// Stages that relay the teacher's activations, split anew between stages of different width; each block is updated as soon as its
/// gradient is there, and an all-reduce runs beside the next block's work.
FoldedProgram relay_program(const Schedule& schedule);

/// The same with a barrier over all devices before the updates.
FoldedProgram synchronous_relay_program(const Schedule& schedule);

/// ddp: both networks whole on every device, gradients all-reduced beside the backward passes of the blocks before.
FoldedProgram replicated_program(const Schedule& schedule);

/// End to end over stages of one device each, in the order of Schedule::pipeline.
FoldedProgram pipeline_program(const Schedule& schedule);

} // namespace pipebd::schedule
