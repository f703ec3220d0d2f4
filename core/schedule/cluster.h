// Cluster: the devices that a plan is made for, in the order in which stages take them, and the links between them.
#pragma once

#include "schedule/profile.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::schedule {

struct ClusterDevice {
    std::string name; // empty: its number
    double speed = 1; // of the profiled device: teacher, student and update take 1 / speed of the profile's times
    std::optional<std::int64_t> memory_limit; // bytes
    int node = 0; // the computer it is in

    bool operator==(const ClusterDevice&) const = default;
};

struct Cluster {
    std::vector<ClusterDevice> devices;
    std::optional<Link> inside; // between two devices of a node; not given: the profile's
    std::optional<Link> between; // between two devices of different nodes; not given: as inside a node

    int size() const { return static_cast<int>(devices.size()); }
};

/// `devices` devices like the profiled one in one node.
Cluster alike(int devices, std::optional<std::int64_t> memory_limit = std::nullopt);

} // namespace pipebd::schedule
