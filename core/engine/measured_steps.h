// Which steps of a phase are measured instruction by instruction: the same on every rank, so that both ends of a transfer are.
#pragma once

#include <bit>
#include <cstdint>

namespace pipebd::engine {

/// The first twelve and those that fill the pipeline before them; then four in a row at steps 16, 32, 64, ..., from 512 on every
/// 512.
constexpr bool is_measured(std::int64_t step)
{
    constexpr std::int64_t first = 12;
    constexpr std::int64_t in_a_row = 4;
    constexpr std::int64_t interval = 512;
    if (step < first)
        return true;
    const auto power = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(step)));
    return step % (power < interval ? power : interval) < in_a_row;
}

} // namespace pipebd::engine
