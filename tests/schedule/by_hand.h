// The formulas of a stage (docs/formats/profile.md) a second time, as plainly as they stand there.
#pragma once

#include "schedule/profile.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace pipebd::schedule::test {

/// Cost and memory of blocks first..last-1 on g devices, straight from the formulas.
inline double cost_by_hand(const Profile& profile, int first, int last, int g)
{
    const int n = (profile.batch + g - 1) / g;
    double cost = first == 0
        ? profile.load.at(n)
        : profile.link.latency + n * double(profile.blocks[std::size_t(first) - 1].output_bytes) / profile.link.bytes_per_ms;
    for (int b = first; b < last; ++b) {
        const BlockProfile& block = profile.blocks[std::size_t(b)];
        cost += block.teacher_forward.at(n) + block.student_forward.at(n) + block.student_backward.at(n)
            + (g > 1 ? block.all_reduce.at(g) : 0) + block.update;
    }
    return cost;
}

inline std::int64_t memory_by_hand(const Profile& profile, int first, int last, int g)
{
    const std::int64_t n = (profile.batch + g - 1) / g;
    std::int64_t parameters = 0;
    std::int64_t outputs = 0;
    std::int64_t most = 0;
    for (int b = std::max(0, first - 1); b < last; ++b)
        outputs += profile.blocks[std::size_t(b)].output_bytes;
    for (int b = first; b < last; ++b) {
        const BlockProfile& block = profile.blocks[std::size_t(b)];
        parameters += block.teacher_bytes + block.student_bytes + block.gradient_bytes + block.optimizer_bytes;
        most = std::max(most, block.activation_bytes);
    }
    return parameters + n * outputs + n * most;
}

} // namespace pipebd::schedule::test
