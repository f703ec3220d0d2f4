#include "cli/memory_check.h"

#include "base/error.h"
#include "base/units.h"

#include <algorithm>
#include <optional>

namespace pipebd::cli {

namespace {

constexpr std::int64_t bytes_of_an_idle_rank = std::int64_t{160}
    << 20; // program, LibTorch and the heap it keeps; docs/measurements.md
constexpr double certain = 1.25; // a plan may be wrong by so much before a run is refused

/// What some ranks need together.
struct Need {
    std::int64_t fixed = 0; // bytes, whatever the batch
    std::int64_t peak = 0;
    int ranks = 0;

    void add(const schedule::Simulation& simulation, std::size_t rank, std::int64_t of_process)
    {
        const bool known = rank < simulation.memory.size() && !simulation.memory[rank].empty();
        fixed += of_process + (known ? simulation.memory[rank].front().bytes : 0);
        peak += of_process + simulation.peak_memory[rank];
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

std::string needs_text(const Need& need, const std::string& of)
{
    return "it needs about " + format_bytes(need.peak) + " " + of
        + (need.ranks > 1 ? ", " + std::to_string(need.ranks) + " ranks together" : "");
}

/// Refuses, warns or is silent: `total` there is at all, `available` is free now.
std::string judge(
    const Need& need, const std::string& of, const std::string& where, std::int64_t total, std::int64_t available, int batch)
{
    if (total > 0 && static_cast<double>(need.peak) > certain * static_cast<double>(total))
        throw Error(Code::BadRequest, needs_text(need, of) + ", and " + where + " has " + format_bytes(total), "the plan",
            need.fitting_batch(batch, total));
    if (total > 0 && need.peak > available)
        return needs_text(need, of) + ", and " + where + " has " + format_bytes(available) + " free of " + format_bytes(total)
            + ": it may be killed; " + need.fitting_batch(batch, available);
    return {};
}

std::string both(const std::string& first, const std::string& second)
{
    return first.empty() || second.empty() ? first + second : first + "; " + second;
}

} // namespace

std::string check_memory(
    const schedule::PlannedStrategy& planned, int batch, const std::vector<experiment::Device>& devices, const DeviceMemory& memory)
{
    const schedule::Simulation& simulation = planned.simulation;
    if (batch <= 0)
        return {};
    Need cpu;
    std::map<int, Need> gpus;
    std::string warning;
    for (std::size_t rank = 0; rank < std::min(devices.size(), simulation.peak_memory.size()); ++rank) {
        if (devices[rank].kind == experiment::Device::Kind::Cuda) {
            gpus[devices[rank].index].add(simulation, rank, 0);
            continue;
        }
        cpu.add(simulation, rank, bytes_of_an_idle_rank);
        Need own;
        own.add(simulation, rank, bytes_of_an_idle_rank);
        if (const auto limit = memory.machine.per_process; limit && warning.empty())
            warning = judge(own, "for rank " + std::to_string(rank), "the limit of a process (ulimit -v)", *limit, *limit, batch);
    }
    if (cpu.ranks > 0)
        warning = both(warning,
            judge(cpu, "of memory", memory.machine.of_group ? "the control group of this process" : "this machine",
                memory.machine.total, memory.machine.available, batch));
    for (const auto& [index, need] : gpus) {
        const std::string name = to_string(experiment::Device{.kind = experiment::Device::Kind::Cuda, .index = index});
        if (const auto found = memory.gpus.find(index); found != memory.gpus.end())
            warning = both(warning, judge(need, "on " + name, name, found->second, found->second, batch));
    }
    return warning;
}

} // namespace pipebd::cli
