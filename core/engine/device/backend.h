// Backend: what differs between kinds of device: its clock, its memory, the transport between its kind.
//
// The CPU's is built in; CUDA's is the module pipebd-cuda, loaded when a device asks for it.
#pragma once

#include "engine/transport/run_clock.h"
#include "engine/transport/transport.h"
#include "experiment/devices.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pipebd::engine {

/// A point in the device's work.
struct Mark {
    double host = 0; // ms since the run's start, when it was made
    std::shared_ptr<void> event; // of devices that work behind the host's back
};

struct MemoryUse {
    std::int64_t bytes = 0;
    std::int64_t peak = 0; // since reset_peak()
};

class Backend {
public:
    virtual ~Backend() = default;

    virtual at::Device device() const = 0;
    /// Its work may be behind the host's, so that reading a result waits for it.
    virtual bool lags() const { return !device().is_cpu(); }
    virtual std::string name() const = 0;
    virtual std::int64_t memory_bytes() const = 0; // of the device
    virtual std::int64_t free_bytes() const = 0; // of it, now; -1: not known
    virtual std::string pci_bus_id() const { return {}; } // by which the driver knows it; empty for what is no GPU

    /// All work posted so far is done.
    virtual void synchronize() = 0;

    virtual Mark mark() = 0;
    /// Milliseconds since the run's start at which the device passed `mark`; waits for it.
    virtual double time(const Mark& mark) = 0;

    virtual MemoryUse memory() = 0;
    virtual void reset_peak() = 0;

    /// Reads a scalar without holding up the device: call the result a step later.
    virtual std::function<double()> read_later(const at::Tensor& scalar) = 0;

    virtual std::unique_ptr<Transport> connect(const Rendezvous& rendezvous, const Topology& topology) = 0;
};

/// Makes this thread and process ready for `device` (threads, determinism) and returns its backend.
/// Throws Error{NotFound} if there is no such device, with what there is.
std::unique_ptr<Backend> make_backend(const experiment::Device& device);

/// GPUs that the CUDA module sees; 0 without a driver or without the module.
int gpu_count();

} // namespace pipebd::engine
