// Pulse: proof of progress from inside long instructions: while it lives, every operator that this thread runs is a heartbeat.
#pragma once

#include "engine/report/reporter.h"

#include <cstdint>

namespace pipebd::engine {

class Pulse {
public:
    /// One a thread.
    explicit Pulse(Reporter& reporter);
    ~Pulse();
    Pulse(const Pulse&) = delete;

private:
    std::uint64_t handle_;
};

} // namespace pipebd::engine
