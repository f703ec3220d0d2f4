// Simulator: runs a program against a profile and says when every instruction would run.
//
// A device executes its instructions in order, one at a time, and waits before each for what it needs. Send, Receive and AllReduce
// run beside it. A transfer starts when its sender has posted it, the link from sender to receiver has finished the one before, and
// the receiver has a free buffer for it. It takes latency + bytes / bandwidth (docs/formats/profile.md). A receiver has room for
// `buffers` batches a link; a buffer is free again when the last instruction that needs what is in it has ended. A sender too keeps
// at most `buffers` batches that have not left: its next Send waits until one has. An all-reduce starts when the last member of its
// group has posted it and the group has finished the one before.
//
// What instructions cost: costs.h.
#pragma once

#include "schedule/costs.h"
#include "schedule/folded_program.h"
#include "schedule/program.h"
#include "schedule/timeline.h"

#include <cstdint>
#include <vector>

namespace pipebd::schedule {

struct SimulationOptions {
    int steps = 0; // of each phase; 0: enough to reach the steady state, plus as many again
    int buffers = default_buffers; // batches a receiver holds for each link
    bool timeline = true; // false: leave Simulation::timeline and memory empty
    bool peaks = false; // fill Simulation::peak_memory without a timeline, too
};

/// Milliseconds a step in the steady state in which a device computes nothing, by cause; with what it computes they sum up to the
/// step. All are means over the steps that Simulation::step is measured over.
///
/// A wait for another device is one until that has posted what is received, until the last member of its group has posted an
/// all-reduce, or until the receiver has a free buffer for what is to be sent. Such waits are imbalance as far as the device has
/// less to compute than the one that computes most, and data beyond that.
struct Idle {
    double fill = 0; // after a barrier, until the first piece that it needs is posted: the pipeline fills anew every step
    double imbalance = 0; // the slowest device has more to compute; and where it is done with its own steps sooner
    double data = 0; // waiting, beyond that, for another device to make or to take what is sent
    double communication = 0; // waiting for a link or an all-reduce that is at work, on this or on what was posted before
    double barrier = 0; // at a barrier

    double total() const { return fill + imbalance + data + communication + barrier; }
};

/// What a device holds from `time` on, until its next point. What counts: memory_use.h.
struct MemoryPoint {
    double time = 0; // ms, as in the timeline
    std::int64_t bytes = 0;
};

struct Simulation {
    Timeline timeline; // of all simulated steps
    double step = 0; // ms a step of all blocks in the steady state: summed over phases, the slowest device's
    double fill = 0; // ms until every device has begun its first step, all phases
    std::vector<double> utilisation; // by device, in the steady state: busy / step
    std::vector<double> busy; // by device, in the steady state: ms that it computes a step, all phases
    std::vector<Idle> idle; // by device
    std::vector<std::vector<MemoryPoint>> memory; // by device, the first at time 0, one for each change; empty without a timeline
    std::vector<std::int64_t> peak_memory; // by device, bytes; empty without a timeline or `peaks`
};

/// Instructions of the steps of one phase: about 4 GB.
inline constexpr std::int64_t most_simulated = 40'000'000;

/// Throws Error{BadRequest} if the profile lacks a size that the program needs, or if the program cannot be run
/// (an instruction waits for what never comes); the message names the instruction. Throws Error{OutOfMemory} for more than
/// most_simulated.
Simulation simulate(const Program& program, const Costs& costs, const SimulationOptions& options = {});

/// The same of what is unfolded from `folded`, bit for bit, in the time and memory of its models (but for the timeline and memory,
/// if asked for, which are of all devices).
Simulation simulate(const FoldedProgram& folded, const Costs& costs, const SimulationOptions& options = {});

/// On devices like the profiled one.
Simulation simulate(const Program& program, const Profile& profile, const SimulationOptions& options = {});

} // namespace pipebd::schedule
