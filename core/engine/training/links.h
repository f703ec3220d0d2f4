// Links: what a rank sends and receives in one phase, by edge and payload.
//
// A send is posted and forgotten until `RunSpec::buffers` batches of its link have not left; then the next one waits for the
// oldest. Receives are posted as many batches ahead of their use, which bounds how far devices may skew.
#pragma once

#include "engine/training/run_parts.h"
#include "engine/training/step_report.h"
#include "engine/training/values.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace pipebd::engine {

/// Of one sample of what each block gives, by network; only of what is sent anywhere in the program.
struct RelayedShapes {
    std::vector<std::vector<std::int64_t>> teacher;
    std::vector<std::vector<std::int64_t>> student;

    static RelayedShapes of(const Pair& pair, const schedule::Program& program, bool teacher_is_trained);
    const std::vector<std::int64_t>& of(const schedule::Instruction& transfer) const;
};

class Links {
public:
    /// All outlive it.
    Links(const RunParts& parts, const RankPhase& phase, const RelayedShapes& shapes, Values& values, StepReport& report);

    void send(const schedule::Instruction& instruction, std::int64_t batch);
    /// Its value can be had from `values`, which wait for it.
    void receive(const schedule::Instruction& instruction, std::int64_t batch);

    /// All that was sent has left.
    void finish();

private:
    struct Sent {
        std::unique_ptr<Pending> pending;
        StepReport::Place place;
    };
    struct SendQueue {
        int per_step = 0;
        std::deque<Sent> posted;
    };
    struct Received {
        schedule::Rows rows;
        at::Tensor buffer;
        std::unique_ptr<Pending> pending;
    };
    struct ReceiveQueue {
        std::vector<std::size_t> instructions; // of the phase, on this link
        std::size_t next = 0; // in `instructions`, to be posted
        std::int64_t next_step = 0; // the first is the one in which the farthest ahead of them has the phase's first batch
        std::deque<Received> posted;
    };
    class Measured;

    Received post(const schedule::Instruction& instruction, const Edge& edge);
    void finish(Sent& sent);

    const RunParts& parts_;
    const RankPhase& phase_;
    const RelayedShapes& shapes_;
    Values& values_;
    StepReport& report_;
    std::map<Edge, SendQueue> sends_;
    std::map<Edge, ReceiveQueue> receives_;
};

} // namespace pipebd::engine
