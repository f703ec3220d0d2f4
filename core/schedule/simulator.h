// Simulator: runs a program against a profile and says when every instruction would run.
//
// A device executes its instructions in order, one at a time, and waits before each for what it needs. Send, Receive and AllReduce
// run beside it. A transfer starts when its sender has posted it, the link from sender to receiver has finished the one before, and
// the receiver has a free buffer for it. It takes latency + bytes / bandwidth (docs/formats/profile.md). A receiver has room for
// `buffers` batches a link; a buffer is free again when the last instruction that needs what is in it has ended. A sender too keeps
// at most `buffers` batches that have not left: its next Send waits until one has. An all-reduce starts when the last member of its
// group has posted it and the group has finished the one before.
//
// A shard, microbatch or part costs as much as the largest of its kind. Loss and TeacherUpdate cost nothing: StudentForward is
// measured with the loss.
#pragma once

#include "schedule/profile.h"
#include "schedule/program.h"
#include "schedule/timeline.h"

#include <vector>

namespace pipebd::schedule {

struct SimulationOptions {
    int steps = 0; // of each phase; 0: enough to reach the steady state, plus as many again
    int buffers = 2; // batches a receiver holds for each link
    bool timeline = true; // false: leave Simulation::timeline empty
};

struct Simulation {
    Timeline timeline; // of all simulated steps
    double step = 0; // ms a step of all blocks in the steady state: summed over phases, the slowest device's
    double fill = 0; // ms until every device has begun its first step, all phases
    std::vector<double> utilisation; // by device, in the steady state: computing / step
};

/// Throws Error{BadRequest} if the profile lacks a size that the program needs, or if the program cannot be run
/// (an instruction waits for what never comes); the message names the instruction.
Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options = {});

} // namespace pipebd::schedule
