// Generators: from the stages of a schedule to the program that every device runs.
#pragma once

#include "schedule/program.h"
#include "schedule/strategies.h"

namespace pipebd::schedule {

/// All blocks on device 0; the other devices have nothing to do.
Program single_program(const Schedule& schedule, int blocks, int devices);

/// A phase a block: every device of the one stage loads its shard, runs the teacher up to the block and trains it.
Program data_parallel_program(const Schedule& schedule, int blocks, int devices);

/// Stages of one device each that relay the teacher's activations; each block is updated as soon as its gradient is there.
Program relay_program(const Schedule& schedule, int blocks, int devices);

} // namespace pipebd::schedule
