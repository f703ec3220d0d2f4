#include "schedule/cluster.h"

#include <algorithm>
#include <cstddef>

namespace pipebd::schedule {

Cluster alike(int devices, std::optional<std::int64_t> memory_limit)
{
    Cluster cluster;
    cluster.devices.resize(static_cast<std::size_t>(std::max(devices, 0)));
    for (ClusterDevice& device : cluster.devices)
        device.memory_limit = memory_limit;
    return cluster;
}

} // namespace pipebd::schedule
