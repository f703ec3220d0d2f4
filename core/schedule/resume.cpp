#include "schedule/resume.h"

#include <algorithm>
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

Islands islands_of(const Phase& phase)
{
    Islands islands(static_cast<int>(phase.devices.size()));
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
    return islands;
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
        const Islands islands = islands_of(phase);
        std::vector<std::int64_t> of_island(phase.devices.size(), steps);
        for (std::size_t device = 0; device < phase.devices.size(); ++device) {
            std::int64_t& least = of_island[islands.of(device)];
            for (const Instruction& instruction : phase.devices[device].instructions)
                if (instruction.op == Op::Update)
                    least = std::min(least, done_of(instruction.block, done));
        }
        std::vector<std::int64_t>& of_device = first.emplace_back();
        for (std::size_t device = 0; device < phase.devices.size(); ++device)
            of_device.push_back(of_island[islands.of(device)]);
    }
    return first;
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
