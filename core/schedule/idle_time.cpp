#include "schedule/idle_time.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pipebd::schedule {

Waited& Waited::operator+=(const Waited& more)
{
    fill += more.fill;
    others += more.others;
    communication += more.communication;
    barrier += more.barrier;
    return *this;
}

DeviceTime& DeviceTime::operator+=(const DeviceTime& more)
{
    busy += more.busy;
    waited += more.waited;
    held_back += more.held_back;
    return *this;
}

void add_held_back(const CompiledPhase& phase, std::vector<DeviceTime>& times)
{
    double slowest = 0;
    for (const DeviceTime& time : times)
        slowest = std::max(slowest, time.step());
    constexpr double rounding = 1e-9;
    for (const CompiledLink& link : phase.links) {
        DeviceTime& sender = times[static_cast<std::size_t>(link.from)];
        sender.held_back.others = slowest - sender.step();
    }
    for (const CompiledLink& link : phase.links) {
        Waited& held_back = times[static_cast<std::size_t>(link.from)].held_back;
        if (link.work >= slowest * (1 - rounding))
            held_back.communication += std::exchange(held_back.others, 0);
    }
}

std::vector<Idle> idle_times(const std::vector<DeviceTime>& devices, double step)
{
    double busiest = 0;
    for (const DeviceTime& device : devices)
        busiest = std::max(busiest, device.busy);
    std::vector<Idle> result;
    for (const DeviceTime& device : devices) {
        const double sooner = std::max(0.0, step - device.step());
        const double held_back = std::min(sooner, device.held_back.total());
        const double share = held_back > 0 ? held_back / device.held_back.total() : 0;
        const double others = device.waited.others + share * device.held_back.others;
        const double done_sooner = sooner - held_back;
        const double unequal = std::min(others, std::max(0.0, busiest - device.busy - done_sooner));
        Idle idle;
        idle.fill = device.waited.fill;
        idle.imbalance = done_sooner + unequal;
        idle.data = others - unequal;
        idle.communication = device.waited.communication + share * device.held_back.communication;
        idle.barrier = device.waited.barrier;
        result.push_back(idle);
    }
    return result;
}

} // namespace pipebd::schedule
