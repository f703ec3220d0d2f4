// Feasibility: what blocks or samples a schedule lacks for its devices, in words; for the makers of schedules.
#pragma once

#include "schedule/schedule.h"

#include <string>
#include <string_view>

namespace pipebd::schedule {

/// "1 block", "2 blocks", "3 microbatches".
inline std::string counted(int number, std::string_view what)
{
    return std::to_string(number) + ' ' + std::string(what) + (number == 1 ? "" : what.ends_with("ch") ? "es" : "s");
}

/// Why there cannot be a stage for each device; empty if there can.
inline std::string lacks_blocks(const Schedule& named)
{
    if (named.blocks >= named.devices)
        return {};
    return "it needs a block for every device, but there are " + counted(named.blocks, "block") + " for "
        + counted(named.devices, "device");
}

/// Why not every device can have a part of the batch; empty if it can.
inline std::string lacks_samples(const Schedule& named)
{
    if (named.batch >= named.devices)
        return {};
    return "a batch of " + std::to_string(named.batch) + " cannot be split over " + counted(named.devices, "device");
}

} // namespace pipebd::schedule
