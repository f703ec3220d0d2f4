// How long ranks are given, by an experiment's settings (docs/limits.md).
#pragma once

#include "experiment/experiment.h"

#include <chrono>
#include <cmath>

namespace pipebd::experiment {

inline std::chrono::milliseconds to_milliseconds(double seconds)
{
    return std::chrono::milliseconds(std::llround(seconds * 1000));
}

/// Without a sign of progress from a rank.
inline std::chrono::milliseconds silence_limit(const Run& run)
{
    return to_milliseconds(run.timeout);
}

/// The same until it has joined.
inline std::chrono::milliseconds join_limit(const Run& run)
{
    return to_milliseconds(run.join_timeout);
}

/// For ranks that train, to save what they have come to once they are told to stop.
inline std::chrono::milliseconds stop_grace(const Run& run)
{
    return to_milliseconds(run.stop_grace);
}

/// In which every rank only waits for others. Longer, for what is on its way between ranks is seen by none of them.
inline std::chrono::milliseconds stall_limit(const Run& run)
{
    return 6 * silence_limit(run);
}

} // namespace pipebd::experiment
