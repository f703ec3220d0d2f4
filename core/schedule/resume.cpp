#include "schedule/resume.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace pipebd::schedule {

namespace {

/// Devices of a phase, joined into sets by what they exchange.
class Islands {
public:
    explicit Islands(int devices)
        : parent_(static_cast<std::size_t>(devices))
    {
        std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    }

    std::size_t of(std::size_t device) const
    {
        while (parent_[device] != device)
            device = parent_[device];
        return device;
    }

    void join(std::size_t a, std::size_t b) { parent_[of(a)] = of(b); }

private:
    std::vector<std::size_t> parent_;
};

void join_by(const Phase& phase, Islands& islands)
{
    for (std::size_t device = 0; device < phase.devices.size(); ++device) {
        for (const Instruction& instruction : phase.devices[device].instructions) {
            if (instruction.op == Op::Send || instruction.op == Op::Receive)
                islands.join(device, static_cast<std::size_t>(instruction.peer));
            for (int member : instruction.group)
                islands.join(device, static_cast<std::size_t>(member));
            if (instruction.op == Op::Barrier)
                for (std::size_t other = 0; other < phase.devices.size(); ++other)
                    islands.join(device, other);
        }
    }
}

std::int64_t done_of(int block, const std::vector<std::int64_t>& done)
{
    return done.empty() ? 0 : done.at(static_cast<std::size_t>(block));
}

} // namespace

std::vector<std::vector<std::int64_t>> first_steps(
    const Program& program, const std::vector<std::int64_t>& done, std::int64_t steps)
{
    std::vector<std::vector<std::int64_t>> first;
    for (const Phase& phase : program.phases) {
        Islands islands(static_cast<int>(phase.devices.size()));
        join_by(phase, islands);
        std::map<std::size_t, std::int64_t> begin; // of the islands that train anything
        for (std::size_t device = 0; device < phase.devices.size(); ++device)
            for (const Instruction& instruction : phase.devices[device].instructions)
                if (instruction.op == Op::Update) {
                    const auto island = begin.try_emplace(islands.of(device), steps).first;
                    island->second = std::min(island->second, done_of(instruction.block, done));
                }
        std::vector<std::int64_t>& of_device = first.emplace_back();
        for (std::size_t device = 0; device < phase.devices.size(); ++device) {
            const auto island = begin.find(islands.of(device));
            const bool idle = phase.devices[device].instructions.empty();
            of_device.push_back(idle ? steps : island == begin.end() ? 0 : island->second);
        }
    }
    return first;
}

std::vector<std::vector<int>> devices_that_exchange(const Program& program)
{
    Islands islands(program.devices());
    for (const Phase& phase : program.phases)
        join_by(phase, islands);
    std::map<std::size_t, std::vector<int>> sets;
    for (int device = 0; device < program.devices(); ++device)
        sets[islands.of(static_cast<std::size_t>(device))].push_back(device);
    std::vector<std::vector<int>> sorted;
    for (auto& [island, devices] : sets)
        sorted.push_back(std::move(devices));
    std::sort(sorted.begin(), sorted.end());
    return sorted;
}

std::int64_t steps_kept(const std::vector<std::vector<std::int64_t>>& first_steps, std::int64_t steps)
{
    std::int64_t kept = 0;
    for (const std::vector<std::int64_t>& phase : first_steps)
        kept += phase.empty() ? steps : *std::min_element(phase.begin(), phase.end());
    return kept;
}

std::int64_t first_round(const std::vector<std::vector<std::int64_t>>& first_steps, std::int64_t steps)
{
    std::int64_t round = 0;
    for (const std::vector<std::int64_t>& phase : first_steps) {
        const std::int64_t first = phase.empty() ? steps : *std::min_element(phase.begin(), phase.end());
        round += first;
        if (first < steps)
            break;
    }
    return round;
}

bool is_done(const Instruction& instruction, std::int64_t batch, const std::vector<std::int64_t>& done)
{
    switch (instruction.op) {
    case Op::StudentForward:
    case Op::StudentBackward:
    case Op::AllReduce:
    case Op::Update:
        return batch < done_of(instruction.block, done);
    default:
        return false;
    }
}

} // namespace pipebd::schedule
