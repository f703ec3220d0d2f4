// WhatIf: what somebody supposes of devices and data instead of what was measured.
#pragma once

#include "schedule/cluster.h"
#include "schedule/profile.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::schedule {

/// What is not given stays as it was measured or described.
struct WhatIf {
    std::optional<int> batch; // global, samples, above 0
    std::optional<double> speed; // of every device, times what it is; above 0
    std::optional<double> bytes_per_second; // of every link
    std::optional<std::int64_t> memory_limit; // bytes, of every device
    std::optional<std::int64_t> samples; // of an epoch

    bool operator==(const WhatIf&) const = default;
};

/// Lays `what_if` over both, and says in words what is no longer measured. Times of batch sizes that were not measured are
/// interpolated.
std::vector<std::string> suppose(const WhatIf& what_if, Profile& profile, Cluster& cluster);

} // namespace pipebd::schedule
