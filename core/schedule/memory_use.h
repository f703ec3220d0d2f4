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
    enum class Keep { Peaks, Points };

    /// Keeps references to both.
    MemoryUse(const Program& program, const Costs& costs, Keep keep);

    /// Adds what `device` holds in phase `phase`, all of whose spans on this device are `spans`.
    void add(const CompiledPhase& compiled, std::size_t phase, std::size_t device, const std::vector<Span>& spans, int steps);

    /// Nothing more will be added to `device` that begins or ends before `until`: what is known of that time is summed up, and
    /// takes no more memory than it has to.
    void settle(std::size_t device, double until);

    /// The most that the device ever holds, of all that was added. May be called once.
    std::int64_t peak(std::size_t device);

    /// Keep::Points: after peak(): one point at time 0 and one for each change after it, by time. Forgets them.
    std::vector<MemoryPoint> take_points(std::size_t device);

private:
    struct Change {
        double time = 0;
        double bytes = 0;
    };

    /// What is known of a device.
    struct Known {
        bool begun = false;
        double bytes = 0; // held when all that is settled has happened
        std::int64_t peak = 0;
        std::vector<MemoryPoint> points;
        std::vector<Change> changes; // that are not settled
    };

    /// What `producer` makes or receives, until the last of `users` of the same batch has ended.
    struct Holding {
        std::size_t producer = 0;
        std::vector<std::size_t> users;
        double bytes = 0;
    };

    std::vector<Holding> holdings(const CompiledPhase& compiled, std::size_t phase, std::size_t device) const;
    double held_throughout(std::size_t device) const;
    void add_point(Known& known, double time) const;

    const Program& program_;
    const Costs& costs_;
    Keep keep_;
    std::vector<Known> known_; // by device
};

} // namespace pipebd::schedule
