// CompiledPhase: a phase made ready to be simulated: what each instruction costs, what it waits for, over which link or group it
// goes.
#pragma once

#include "schedule/costs.h"
#include "schedule/folded_program.h"
#include "schedule/program.h"
#include "schedule/value.h"

#include <cstddef>
#include <span>
#include <vector>

namespace pipebd::schedule {

/// What an asynchronous instruction of the same device brings for the same batch.
struct BufferUse {
    int bringer = 0; // CompiledInstruction::bringer
    bool last_use = false; // nothing needs it after this: its buffer is free
};

struct CompiledInstruction {
    Op op = Op::Load;
    double duration = 0; // ms; of a Receive 0, its Send has it
    int ahead = 0;
    int channel = -1; // Send, Receive: the link; AllReduce, Barrier: the group
    int member = -1; // AllReduce, Barrier: which of the group
    int content = 0; // what is carried; equal on both ends of a link and all over a group
    int bringer = -1; // Receive, AllReduce: which of the device's; else -1
    bool unused = false; // a Receive nothing needs
    std::size_t needs_begin = 0;
    std::size_t needs_end = 0; // in CompiledDevice::needs
};

struct CompiledDevice {
    std::vector<CompiledInstruction> instructions;
    std::vector<BufferUse> needs;
    std::vector<std::size_t> sources; // DataFlow::sources of all instructions, one after another
    std::vector<std::size_t> sources_end; // by instruction; the next one's begin there
    std::vector<int> bringers; // their channels
};

struct CompiledLink {
    int from = 0;
    int to = 0;
    int transfers = 0; // a step
    double work = 0; // ms a step of all of them
};

struct CompiledGroup {
    std::vector<int> devices; // without copies
    int operations = 0; // a step
};

struct CompiledPhase {
    Training training;
    std::vector<CompiledDevice> devices;
    std::vector<CompiledLink> links;
    std::vector<CompiledGroup> groups; // of all-reduces, and one of the barriers
    int most_ahead = 0;
    int least_ahead = 0;
};

/// `roles`: of each device in a folded program (refined()), whose copies are left out, for they do what their model does; empty if
/// there are none. Throws Error{BadRequest} that names the instruction if the profile has no cost for it, if nothing on its device
/// brings what it needs, or if a Send, Receive, AllReduce or Barrier has no counterpart.
CompiledPhase compile(
    const Program& program, std::size_t phase, const Costs& costs, const Training& training, std::span<const Role> roles = {});

/// "device 1: T2", "phase 3, device 1: T2" if there are several phases.
std::string place_of(const Program& program, std::size_t phase, std::size_t device, std::size_t index);

} // namespace pipebd::schedule
