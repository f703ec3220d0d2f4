// PhaseRun: the steps of one phase, in simulated time.
#pragma once

#include "schedule/compiled_phase.h"
#include "schedule/idle_time.h"
#include "schedule/timeline.h"

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace pipebd::schedule {

class PhaseRun {
public:
    /// Each device begins at its time of `clocks`. Keeps a reference to `phase`. `spans`, if not null, gets the spans of each
    /// device, by start. At least one step, at least one buffer.
    PhaseRun(const CompiledPhase& phase, int steps, int buffers, std::vector<double> clocks, std::vector<std::vector<Span>>* spans,
        int phase_index);

    /// Runs until no device can go on. False if some wait for ever.
    bool run();

    struct Stuck {
        std::size_t device = 0;
        std::size_t index = 0;
        std::string why;
    };

    /// An instruction that waits for ever, after run() gave false.
    Stuck stuck() const;

    /// When each device has done all its steps.
    const std::vector<double>& clocks() const { return clocks_; }

    /// What `device` does in the second half of the steps, milliseconds a step.
    DeviceTime time(std::size_t device) const;

    /// Milliseconds until `device` has begun its first step.
    double fill(std::size_t device) const;

private:
    static constexpr double not_yet = std::numeric_limits<double>::infinity();

    enum class Waits { No, Arrival, Departure, Group, Match };

    struct Transfer {
        double posted = 0;
        double duration = 0;
        double start = 0;
        double end = 0;
        double released = not_yet; // its buffer
        int content = 0;
        int batch = 0;
        int send_index = 0;
        int receive_index = 0;
        int send_step = 0;
        int receive_step = 0;
    };

    struct LinkState {
        std::vector<Transfer> transfers;
        std::size_t slots = 0;
        std::size_t posted = 0;
        std::size_t received = 0; // Receives posted
        std::size_t done = 0; // their times are known
        double free = 0;
        bool sender_waits = false;
        bool receiver_waits = false;
    };

    struct Posted {
        int index = 0;
        int step = 0;
    };

    struct Operation {
        double ready = 0;
        double start = 0;
        double end = 0;
        std::size_t posted = 0; // by so many members
        int content = 0;
    };

    struct GroupState {
        std::vector<Operation> operations;
        std::vector<std::vector<Posted>> members; // what each has posted, in order
        std::size_t done = 0;
        double free = 0;
        std::vector<int> waiting;
    };

    struct DeviceState {
        int step = 0;
        std::size_t index = 0;
        bool at_barrier = false; // has come to the Barrier it stands at
        bool fills = true; // has needed nothing of another device yet since the beginning or a Barrier
        bool measured = false; // in one of the steps that time() is about
        bool queued = false;
        Waits waits = Waits::No;
        int waits_at = 0; // the link or group
        double entry = 0;
        double begin = not_yet;
        Waited waited; // in measured steps
        std::vector<double> step_ends;
        std::vector<std::vector<std::size_t>> brought; // by bringer, by batch: the transfer or operation
    };

    void wake(int device);
    void go_on(std::size_t device);
    bool execute(std::size_t device, const CompiledInstruction& instruction, int batch);
    bool wait(std::size_t device, Waits reason, int channel);
    bool wait_for_needs(std::size_t device, const CompiledInstruction& instruction, int batch);
    void await_arrival(std::size_t device, const Transfer& transfer);
    void await_departure(std::size_t device, const Transfer& transfer);
    void await_reduction(std::size_t device, const Operation& operation);
    void release_buffers(std::size_t device, const CompiledInstruction& instruction, int batch);
    bool send(std::size_t device, const CompiledInstruction& instruction, int batch);
    bool receive(std::size_t device, const CompiledInstruction& instruction, int batch);
    bool all_reduce(std::size_t device, const CompiledInstruction& instruction, int batch);
    bool barrier(std::size_t device, const CompiledInstruction& instruction);
    bool post(std::size_t device, const CompiledInstruction& instruction);
    void advance(int link);
    bool matches(const LinkState& link, std::size_t transfer, int content, int batch) const;
    void add_span(std::size_t device, bool communication, int step, std::size_t index, double start, double end);
    void add_communication();

    const CompiledPhase& phase_;
    int steps_;
    int last_measured_; // step; later ones have less to do
    int before_measured_; // the step before the first that is measured, -1 if there is none
    int phase_index_;
    std::vector<double> clocks_;
    std::vector<std::vector<Span>>* spans_;
    std::vector<DeviceState> devices_;
    std::vector<LinkState> links_;
    std::vector<GroupState> groups_;
    std::vector<std::size_t> ready_;
};

} // namespace pipebd::schedule
