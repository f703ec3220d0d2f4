#include "schedule/partition.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace pipebd::schedule {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// costs[i][j]: of a stage of blocks i..j-1 on one device; infinite if it does not fit.
std::vector<std::vector<double>> stage_costs(const Profile& profile, std::optional<std::int64_t> memory_limit)
{
    const int blocks = static_cast<int>(profile.blocks.size());
    std::vector<std::vector<double>> costs(profile.blocks.size(), std::vector<double>(profile.blocks.size() + 1, infinite));
    for (int first = 0; first < blocks; ++first)
        for (int last = first + 1; last <= blocks; ++last) {
            const Stage stage{first, last, {0}};
            if (!memory_limit || stage_memory(profile, stage) <= *memory_limit)
                costs[static_cast<std::size_t>(first)][static_cast<std::size_t>(last)] = stage_cost(profile, stage);
        }
    return costs;
}

} // namespace

std::vector<Stage> best_partition(const Profile& profile, int stages, std::optional<std::int64_t> memory_limit)
{
    const std::size_t blocks = profile.blocks.size();
    const auto count = static_cast<std::size_t>(std::max(stages, 0));
    if (count == 0 || count > blocks)
        return {};
    const auto costs = stage_costs(profile, memory_limit);

    // slowest[s][i]: the least largest cost of blocks i.. in s stages.
    std::vector<std::vector<double>> slowest(count + 1, std::vector<double>(blocks + 1, infinite));
    slowest[0][blocks] = 0;
    for (std::size_t s = 1; s <= count; ++s)
        for (std::size_t i = 0; i < blocks; ++i)
            for (std::size_t j = i + 1; j <= blocks; ++j)
                slowest[s][i] = std::min(slowest[s][i], std::max(costs[i][j], slowest[s - 1][j]));

    const double best = slowest[count][0];
    if (best == infinite)
        return {};
    std::vector<Stage> result;
    std::size_t first = 0;
    for (std::size_t s = count; s > 0; --s) {
        std::size_t last = first + 1;
        while (std::max(costs[first][last], slowest[s - 1][last]) > best)
            ++last;
        result.push_back({static_cast<int>(first), static_cast<int>(last), {static_cast<int>(count - s)}});
        first = last;
    }
    return result;
}

std::int64_t count_partitions(int blocks, int stages)
{
    if (stages < 1 || stages > blocks)
        return 0;
    const std::int64_t n = blocks - 1;
    const std::int64_t k = std::min<std::int64_t>(stages - 1, n - (stages - 1));
    std::int64_t result = 1; // C(n, i) after i rounds
    for (std::int64_t i = 1; i <= k; ++i) {
        if (result > std::numeric_limits<std::int64_t>::max() / (n - k + i))
            return std::numeric_limits<std::int64_t>::max();
        result = result * (n - k + i) / i;
    }
    return result;
}

} // namespace pipebd::schedule
