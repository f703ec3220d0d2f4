// MemoryCheck: whether what a plan says of memory is there, before a run starts.
#pragma once

#include "experiment/devices.h"
#include "launch/machine_memory.h"
#include "schedule/plan.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pipebd::cli {

/// Memory of the devices that ranks may use: that of the machine for CPU ranks, by index that of each GPU.
struct DeviceMemory {
    launch::MachineMemory machine;
    std::map<int, std::int64_t> gpus; // bytes
};

/// What there is for ranks on `devices`. The engine is asked if there is a GPU among them.
DeviceMemory memory_of(const std::vector<experiment::Device>& devices, const std::atomic<bool>& cancel);

/// A warning in one line if `planned`, rank by rank on `devices`, needs more memory than is free now; empty if it fits, or if the
/// plan says nothing of memory. Throws Error{BadRequest} if it needs far more than there is at all. Both name what is needed, what
/// there is, and a batch that should fit.
std::string check_memory(const schedule::PlannedStrategy& planned, int batch, const std::vector<experiment::Device>& devices,
    const DeviceMemory& memory);

/// Says of each strategy of `plan`, for ranks on `devices`, whether it needs more memory than there is (memory_shortage).
void mark_shortages(schedule::Plan& plan, const std::vector<experiment::Device>& devices, const DeviceMemory& memory);

} // namespace pipebd::cli
