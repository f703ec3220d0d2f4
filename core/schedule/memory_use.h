// MemoryUse: what devices hold over time, from what the simulator says of when instructions and transfers run.
//
// All sizes are those of the profile (docs/formats/profile.md), those per sample times the rows that an instruction works on.
// A device holds
// - throughout: the teacher of every block whose TeacherForward it runs, in any phase; student, gradients and optimizer of every
//   block whose StudentForward, StudentBackward or Update it runs;
// - a teacher's output, from the start of its TeacherForward until the end of the last instruction of the device that needs it for
//   the same batch;
// - what is received, from the start of the transfer until the same;
// - a student block's activations, its own output and the gradient it gives among them, from the start of its StudentForward until
//   the end of the last StudentBackward of that piece;
// - besides, a student's output or gradient that is sent, from the start of what makes it.
// A Send needs what it sends until the transfer has ended. The loaded data counts as nothing.
#pragma once

#include "schedule/compiled_phase.h"
#include "schedule/costs.h"
#include "schedule/program.h"
#include "schedule/simulator.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pipebd::schedule {

class MemoryUse {
public:
    /// Keeps references to both.
    MemoryUse(const Program& program, const Costs& costs);

    /// Adds what `device` holds in phase `phase`, all of whose spans on this device are `spans`.
    void add(const CompiledPhase& compiled, std::size_t phase, std::size_t device, const std::vector<Span>& spans, int steps);

    /// One point at time 0 and one for each change after it, by time. Forgets the device.
    std::vector<MemoryPoint> take(std::size_t device);

private:
    struct Change {
        double time = 0;
        double bytes = 0;
    };

    /// What `producer` makes or receives, until the last of `users` of the same batch has ended.
    struct Holding {
        std::size_t producer = 0;
        std::vector<std::size_t> users;
        double bytes = 0;
    };

    std::vector<Holding> holdings(const CompiledPhase& compiled, std::size_t phase, std::size_t device) const;
    double held_throughout(std::size_t device) const;

    const Program& program_;
    const Costs& costs_;
    std::vector<std::vector<Change>> changes_; // by device
};

/// The most that `points` say.
std::int64_t peak_of(const std::vector<MemoryPoint>& points);

} // namespace pipebd::schedule
