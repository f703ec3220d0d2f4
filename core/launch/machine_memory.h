// MachineMemory: what memory this machine, this process's control group and its limits leave for ranks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::launch {

struct MachineMemory {
    std::int64_t total
        = 0; // bytes that all processes here may have together: of the machine, or of the control group if that is less
    std::int64_t available = 0; // of those, not in use by others
    bool of_group = false; // the control group's limit decides
    std::optional<std::int64_t> per_process; // the limit of address space (ulimit -v), if there is one
};

/// From `proc`/meminfo, the control groups (version 1 and 2) that `proc`/self/cgroup names below `groups`, and getrlimit. What
/// cannot be read counts as no limit; 0 if nothing can.
MachineMemory machine_memory(const std::filesystem::path& proc = "/proc", const std::filesystem::path& groups = "/sys/fs/cgroup");

/// The version of NVIDIA's driver, such as "580.65.06"; empty without one.
std::string nvidia_driver(const std::filesystem::path& proc = "/proc");

} // namespace pipebd::launch
