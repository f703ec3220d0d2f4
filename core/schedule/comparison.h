// Comparison: where a prediction is off, by the kind of instruction, and timelines cut so that they can be laid side by side.
#pragma once

#include "schedule/program.h"
#include "schedule/simulator.h"
#include "schedule/timeline.h"

#include <optional>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

/// "load", "teacher forward", "all-reduce", ...
std::string_view kind_of(Op op);

/// Milliseconds of all instructions of a kind in one step of all blocks, summed over devices: of each the median over the steps in
/// which it has a span.
struct KindTime {
    std::string_view kind;
    std::optional<double> predicted; // not there if an instruction of the kind has no span
    std::optional<double> measured;

    /// predicted / measured - 1; not there if one of the two is not there or nothing.
    std::optional<double> error() const;
};

/// Of each kind that `program` has, in the order in which a step needs them.
std::vector<KindTime> compare(const Program& program, const Timeline& predicted, const Timeline& measured);

/// Some steps of each phase, phases one after another, from time 0 on. In both timelines the first of a phase's steps begins to
/// compute at the same time, also on devices that exchange nothing, whatever the time at which each came to it. `memory` is that of
/// the simulation, cut the same way; empty if it has none.
struct SideBySide {
    Timeline predicted;
    Timeline measured;
    std::vector<std::vector<MemoryPoint>> memory;
};

/// Of `measured` the newest steps in a row of which every device has spans, `most` at most; of `simulation` as many, from its
/// steady state. Phases that have not been measured are left out.
SideBySide side_by_side(const Program& program, const Simulation& simulation, const Timeline& measured, int most = 8);

} // namespace pipebd::schedule
