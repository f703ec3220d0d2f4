#include "schedule/what_if.h"

#include "base/text.h"
#include "base/units.h"

#include <utility>

namespace pipebd::schedule {

std::vector<std::string> suppose(const WhatIf& what_if, Profile& profile, Cluster& cluster)
{
    std::vector<std::string> notes;
    if (what_if.batch) {
        notes.push_back(
            "batch " + std::to_string(*what_if.batch) + ": measured for " + std::to_string(profile.batch) + " and interpolated");
        profile = at_batch(std::move(profile), *what_if.batch);
    }
    if (what_if.speed) {
        for (ClusterDevice& device : cluster.devices)
            device.speed *= *what_if.speed;
        notes.push_back("every device computes " + general(*what_if.speed) + " times as fast as it was measured or described");
    }
    if (what_if.bytes_per_second) {
        const double measured = profile.link.bytes_per_ms * 1000;
        notes.push_back("links of " + format_bandwidth(*what_if.bytes_per_second) + " instead of "
            + (measured > 0 ? "the measured " + format_bandwidth(measured) : "unlimited ones"));
        profile.link.bytes_per_ms = *what_if.bytes_per_second / 1000;
    }
    if (what_if.memory_limit)
        for (ClusterDevice& device : cluster.devices)
            device.memory_limit = what_if.memory_limit;
    if (what_if.samples)
        profile.samples = *what_if.samples;
    return notes;
}

} // namespace pipebd::schedule
