// Trace: timelines as Chrome trace JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing open.
//
// A process a device; in it a thread for what the device computes and one for communication (further ones where several transfers
// overlap), a flow arrow from each Send to its Receive, and a counter of the bytes that the device holds. docs/formats/trace.md.
#pragma once

#include "schedule/program.h"
#include "schedule/simulator.h"

#include <span>
#include <string>
#include <string_view>

namespace pipebd::schedule {

/// One program and when its instructions ran.
struct Traced {
    std::string_view name; // stands beside the device: "tr+dpu device 0", by device "device 0 measured"; may be empty
    const Program& program;
    const Timeline& timeline;
    std::span<const std::vector<MemoryPoint>> memory; // by device; may be empty
};

/// Which devices stand one below the other: all of the first program, then all of the next, or the same of every program.
enum class Grouping { ByProgram, ByDevice };

/// All of them on one time axis, in the order given.
std::string to_chrome_trace(std::span<const Traced> all, Grouping grouping = Grouping::ByProgram);

} // namespace pipebd::schedule
