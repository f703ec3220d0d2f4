#include "cli/memory_check.h"

#include "base/error.h"
#include "base/units.h"
#include "launch/engine_queries.h"

#include <algorithm>
#include <optional>

namespace pipebd::cli {

namespace {

using experiment::Device;

constexpr std::int64_t MiB = std::int64_t{1} << 20;

// Measured on x86-64 with LibTorch 2.11.0, /proc/PID/status (docs/measurements.md, "Memory of a rank"): of a rank that has loaded
// nothing RssAnon; what a rank that trains nas-digits holds beside that and its tensors; RssFile of one that trains, pages of the
// programs' files, which all ranks share; VmPeak of one that trains less its tensors, which is what ulimit -v counts.
constexpr std::int64_t bytes_of_an_idle_rank = 66 * MiB;
constexpr std::int64_t bytes_that_a_heap_keeps = 114 * MiB;
constexpr std::int64_t bytes_of_the_programs = 90 * MiB;
constexpr std::int64_t address_space_of_a_rank = 1050 * MiB;

constexpr double certain = 1.25; // a plan may be wrong by so much before a run is refused

/// What some ranks need together.
struct Need {
    std::int64_t fixed = 0; // bytes, whatever the batch
    std::int64_t peak = 0;
    int ranks = 0;

    void add(std::int64_t bytes)
    {
        fixed += bytes;
        peak += bytes;
    }

    void add_rank(const schedule::Simulation& simulation, std::size_t rank)
    {
        const bool known = rank < simulation.memory.size() && !simulation.memory[rank].empty();
        fixed += known ? simulation.memory[rank].front().bytes : 0;
        peak += simulation.peak_memory[rank];
        ++ranks;
    }

    /// The largest batch that fits into `bytes`, if what a sample takes does not change.
    std::string fitting_batch(int batch, std::int64_t bytes) const
    {
        const double per_sample = static_cast<double>(peak - fixed) / batch;
        const auto fits = per_sample > 0 ? static_cast<std::int64_t>(static_cast<double>(bytes - fixed) / per_sample) : 0;
        if (fits >= 1)
            return "use a batch of at most " + std::to_string(std::min<std::int64_t>(fits, batch))
                + " (data.batch), or more devices";
        return "use more devices, or a smaller pair";
    }
};

/// Memory that some ranks share.
struct Room {
    std::string of; // "of memory", "on cuda:0"
    std::string where; // "this machine"
    std::int64_t total = 0; // bytes; 0: not known
    std::int64_t available = 0;
};

struct Shortage {
    std::string text; // what is needed, and what there is
    std::string remedy;
    bool is_certain = false;
};

std::optional<Shortage> shortage_of(const Need& need, const Room& room, int batch)
{
    if (room.total <= 0 || need.peak <= room.available)
        return std::nullopt;
    const bool is_certain = static_cast<double>(need.peak) > certain * static_cast<double>(room.total);
    const bool in_use = !is_certain && room.available < room.total;
    return Shortage{.text = "this run needs about " + format_bytes(need.peak) + " " + room.of
            + (need.ranks > 1 ? ", " + std::to_string(need.ranks) + " ranks together" : "") + ", and " + room.where + " has "
            + (in_use ? format_bytes(room.available) + " free of " : "") + format_bytes(room.total),
        .remedy = need.fitting_batch(batch, is_certain ? room.total : room.available),
        .is_certain = is_certain};
}

/// By process, then of the machine, then by GPU.
std::vector<Shortage> shortages_of(
    const schedule::Simulation& simulation, int batch, const std::vector<Device>& devices, const DeviceMemory& memory)
{
    std::vector<Shortage> found;
    const auto look = [&](const Need& need, const Room& room) {
        if (std::optional<Shortage> shortage = shortage_of(need, room, batch))
            found.push_back(std::move(*shortage));
    };
    Need cpu;
    std::map<int, Need> gpus;
    for (std::size_t rank = 0; rank < std::min(devices.size(), simulation.peak_memory.size()); ++rank) {
        if (devices[rank].kind == Device::Kind::Cuda) {
            gpus[devices[rank].index].add_rank(simulation, rank);
            continue;
        }
        cpu.add_rank(simulation, rank);
        cpu.add(bytes_of_an_idle_rank + bytes_that_a_heap_keeps);
        Need own;
        own.add_rank(simulation, rank);
        own.add(address_space_of_a_rank);
        if (const auto limit = memory.machine.per_process; limit && found.empty())
            look(own, {"for rank " + std::to_string(rank), "the limit of a process (ulimit -v)", *limit, *limit});
    }
    if (cpu.ranks > 0) {
        cpu.add(bytes_of_the_programs);
        look(cpu,
            {"of memory", memory.machine.of_group ? "this process's control group" : "this machine", memory.machine.total,
                memory.machine.available});
    }
    for (const auto& [index, need] : gpus) {
        const std::string name = "cuda:" + std::to_string(index);
        if (const auto bytes = memory.gpus.find(index); bytes != memory.gpus.end())
            look(need, {"on " + name, name, bytes->second, bytes->second});
    }
    return found;
}

} // namespace

DeviceMemory memory_of(const std::vector<Device>& devices, const std::atomic<bool>& cancel)
{
    DeviceMemory memory{.machine = launch::machine_memory(), .gpus = {}};
    const auto is_gpu = [](const Device& device) { return device.kind == Device::Kind::Cuda; };
    if (std::any_of(devices.begin(), devices.end(), is_gpu))
        for (const launch::EngineDevice& device : launch::engine_devices(cancel))
            if (device.kind == Device::Kind::Cuda)
                memory.gpus[device.index] = device.bytes;
    return memory;
}

std::string check_memory(
    const schedule::PlannedStrategy& planned, int batch, const std::vector<Device>& devices, const DeviceMemory& memory)
{
    if (batch <= 0)
        return {};
    std::string warning;
    for (const Shortage& shortage : shortages_of(planned.simulation, batch, devices, memory)) {
        if (shortage.is_certain)
            throw Error(Code::BadRequest, shortage.text, "the plan", shortage.remedy);
        warning += (warning.empty() ? "" : "; ") + shortage.text + ": the system may kill it; " + shortage.remedy;
    }
    return warning;
}

void mark_shortages(schedule::Plan& plan, const std::vector<Device>& devices, const DeviceMemory& memory)
{
    DeviceMemory whole = memory;
    whole.machine.available = whole.machine.total;
    for (schedule::PlannedStrategy& planned : plan.strategies)
        for (const Shortage& shortage : shortages_of(planned.simulation, plan.batch, devices, whole))
            planned.memory_shortage += (planned.memory_shortage.empty() ? "" : "; ") + shortage.text;
}

} // namespace pipebd::cli
