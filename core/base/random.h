// Random numbers as a function of a place, never of the order in which they are drawn.
//
// Sample order, augmentation and supernet paths are functions of the seed, the step and the place, so that every strategy sees
// the same draws whatever device or order it runs in.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace pipebd {

/// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
constexpr std::uint64_t mix(std::uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/// One draw for a place, e.g. draw({seed, step, block, cell}).
constexpr std::uint64_t draw(std::initializer_list<std::uint64_t> place)
{
    std::uint64_t x = 0;
    for (std::uint64_t coordinate : place)
        x = mix(x ^ coordinate);
    return x;
}

/// A name as a coordinate (FNV-1a, 64 bit).
constexpr std::uint64_t coordinate(std::string_view name)
{
    std::uint64_t x = 0xcbf29ce484222325ULL;
    for (char c : name)
        x = (x ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return x;
}

/// Uniform in [0, n), without bias that matters here (n far below 2^32).
constexpr std::uint64_t below(std::uint64_t n, std::uint64_t bits)
{
    return (bits >> 32) * n >> 32;
}

/// 0 to n - 1, shuffled (Fisher and Yates) as `place` says.
inline std::vector<std::size_t> permutation(std::size_t n, std::uint64_t place)
{
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = n; i > 1; --i)
        std::swap(order[i - 1], order[below(i, draw({place, i}))]);
    return order;
}

/// A series of draws for one place.
class Draws {
public:
    explicit constexpr Draws(std::uint64_t place)
        : place_(place)
    {
    }

    /// The next one, in [0, 1).
    constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    /// The next one, in [0, n).
    constexpr std::uint64_t below(std::uint64_t n) { return pipebd::below(n, next()); }

private:
    constexpr std::uint64_t next() { return draw({place_, ++count_}); }

    std::uint64_t place_;
    std::uint64_t count_ = 0;
};

} // namespace pipebd
