// Which steps of a phase are measured instruction by instruction: the same on every rank, so that both ends of a transfer are.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace pipebd::engine {

/// The first twelve and those that fill the pipeline before them; then four in a row at steps 16, 32, 64, ..., from 512 on every
/// 512. `instructions`: of one step of all phases, on the device that has most; fewer steps in a row where 120,000 measured
/// instructions would not do for them, but one at least.
constexpr bool is_measured(std::int64_t step, std::int64_t instructions = 1)
{
    constexpr std::int64_t most_at_first = 120'000;
    constexpr std::int64_t interval = 512;
    const std::int64_t first = std::clamp<std::int64_t>(most_at_first / std::max<std::int64_t>(instructions, 1), 1, 12);
    const std::int64_t in_a_row = std::min<std::int64_t>(first, 4);
    if (step < first)
        return true;
    if (step < 16)
        return false;
    const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(step)));
    return step % (power < interval ? power : interval) < in_a_row;
}

} // namespace pipebd::engine
