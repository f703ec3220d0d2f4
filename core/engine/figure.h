// Figure: one figure of a profile: how long something took, again and again, on each of the paths that stand for all.
#pragma once

#include "engine/models/sampled_paths.h"

#include <cstddef>
#include <vector>

namespace pipebd::engine {

class Figure {
public:
    static constexpr std::size_t repeats = 3; // of each path, after one that is not counted

    explicit Figure(const std::vector<SampledPath>& paths = std::vector<SampledPath>(1));

    void add(std::size_t path, double milliseconds) { paths_[path].repeats.push_back(milliseconds); }

    /// Both need one repeat of each path or more. The mean over paths of the median of their repeats.
    double mean() const;
    /// (p90 - p10) / median of all repeats of all paths; each weighs as its path does.
    double spread() const;

private:
    struct Path {
        double weight;
        std::vector<double> repeats;
    };

    std::vector<Path> paths_;
};

} // namespace pipebd::engine
