// Every candidate of a search, one after another, and the best of them by trying all.
#pragma once

#include "schedule/search.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace pipebd::schedule::test {

inline constexpr double infinite = std::numeric_limits<double>::infinity();

/// A candidate as the tests write it: the devices of each stage, and the block before which each ends.
struct Shape {
    std::vector<int> counts;
    std::vector<int> lasts;
    auto key() const { return std::tuple(counts.size(), counts, lasts); }
    bool operator==(const Shape& other) const { return key() == other.key(); }
};

using Shapes = std::function<void(const Shape&)>;

/// Every way to give the blocks from `first` on to the `devices` devices that are left.
inline void every_shape(int first, int blocks, int devices, Width width, Shape& shape, const Shapes& visit)
{
    for (int last = first + 1; last <= blocks; ++last)
        for (int g = 1; g <= (width == Width::OneDevice ? 1 : devices); ++g) {
            if ((last == blocks) != (g == devices))
                continue;
            shape.counts.push_back(g);
            shape.lasts.push_back(last);
            if (last == blocks)
                visit(shape);
            else
                every_shape(last, blocks, devices - g, width, shape, visit);
            shape.counts.pop_back();
            shape.lasts.pop_back();
        }
}

inline std::vector<Stage> stages_of(const Shape& shape)
{
    std::vector<Stage> stages;
    int first = 0;
    int device = 0;
    for (std::size_t s = 0; s < shape.counts.size(); ++s) {
        std::vector<int> devices(static_cast<std::size_t>(shape.counts[s]));
        std::iota(devices.begin(), devices.end(), device);
        device += shape.counts[s];
        stages.push_back({std::exchange(first, shape.lasts[s]), shape.lasts[s], devices});
    }
    return stages;
}

inline Shape shape_of(const Candidate& candidate)
{
    Shape shape;
    for (const Stage& stage : candidate.stages) {
        shape.counts.push_back(static_cast<int>(stage.devices.size()));
        shape.lasts.push_back(stage.last);
    }
    return shape;
}

/// Of the slowest stage; nothing if one does not fit.
using CostOf = std::function<std::optional<double>(const Shape&)>;

struct Truth {
    double cost = infinite;
    Shape best;
    std::vector<double> all; // costs of the candidates that fit
    int candidates = 0;
    int as_good = 0; // candidates of the least cost
};

inline Truth brute_force(int blocks, int devices, const CostOf& cost_of, Width width = Width::Any)
{
    Truth truth;
    Shape shape;
    every_shape(0, blocks, devices, width, shape, [&](const Shape& candidate) {
        ++truth.candidates;
        const std::optional<double> cost = cost_of(candidate);
        if (!cost)
            return;
        truth.all.push_back(*cost);
        truth.as_good = *cost < truth.cost ? 1 : truth.as_good + (*cost == truth.cost ? 1 : 0);
        if (*cost < truth.cost || (*cost == truth.cost && candidate.key() < truth.best.key())) {
            truth.cost = *cost;
            truth.best = candidate;
        }
    });
    std::ranges::sort(truth.all);
    return truth;
}

} // namespace pipebd::schedule::test
