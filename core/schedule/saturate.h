// Sums and products of byte counts that stop at the largest number instead of wrapping around.
#pragma once

#include <cstdint>
#include <limits>

namespace pipebd::schedule {

/// For numbers that are not negative.
constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b)
{
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    return a > largest - b ? largest : a + b;
}

/// For numbers that are not negative.
constexpr std::int64_t saturating_product(std::int64_t a, std::int64_t b)
{
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    return b != 0 && a > largest / b ? largest : a * b;
}

} // namespace pipebd::schedule
