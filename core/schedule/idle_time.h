// Idle time: in what devices wait, by cause. What the causes mean: Idle (simulator.h).
#pragma once

#include "schedule/compiled_phase.h"
#include "schedule/simulator.h"

#include <vector>

namespace pipebd::schedule {

/// Milliseconds that a device waits.
struct Waited {
    double fill = 0;
    double others = 0; // for another device to post what is needed, or to have room
    double communication = 0;
    double barrier = 0;

    double total() const { return fill + others + communication + barrier; }
    Waited& operator+=(const Waited& more);
};

/// A device's work and waits, milliseconds a step.
struct DeviceTime {
    double busy = 0;
    Waited waited;
    Waited held_back; // beyond that, once its transfers have filled all buffers

    double step() const { return busy + waited.total(); }
    DeviceTime& operator+=(const DeviceTime& more);
};

/// Completes `times`, those of the devices of `phase`. One that is ahead of the others all the time, though it sends to them, is
/// held back in the long run: by its link if that is at work without a pause, else by the device at its other end.
void add_held_back(const CompiledPhase& phase, std::vector<DeviceTime>& times);

/// By device: busy + idle is `step` for each. `devices` are the sums over all phases; none takes longer than `step`.
std::vector<Idle> idle_times(const std::vector<DeviceTime>& devices, double step);

} // namespace pipebd::schedule
