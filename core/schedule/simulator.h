// Simulator: runs a program against a profile and says when every instruction would run.
//
// A device executes its instructions in order, one at a time. Send, Receive and AllReduce run on links beside it: a transfer starts
// when its sender has posted it, the link is free and the receiver has a free buffer (`buffers` a link); an all-reduce starts when the
// last member of its group has posted it. An instruction waits for what it needs.
#pragma once

#include "schedule/profile.h"
#include "schedule/program.h"
#include "schedule/timeline.h"

#include <vector>

namespace pipebd::schedule {

struct SimulationOptions {
    int steps = 0;   // of each phase; 0: enough to reach the steady state, plus as many again
    int buffers = 2; // batches a receiver holds for each link
};

struct Simulation {
    Timeline timeline;               // of all simulated steps
    double step = 0;                 // ms a step of all blocks in the steady state: summed over phases, the slowest device's
    double fill = 0;                 // ms before the steady state, all phases
    std::vector<double> utilisation; // by device, in the steady state: computing / step
};

/// Throws Error{BadRequest} if the profile lacks a size that the program needs, or if the program cannot be run
/// (an instruction waits for what never comes); the message names the instruction.
Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options = {});

} // namespace pipebd::schedule
