#include "engine/figure.h"

#include "base/statistics.h"

#include <algorithm>

namespace pipebd::engine {

namespace {

struct Weighed {
    double value;
    double weight;
};

/// The value below which a share `q` of the weight lies: each value stands in the middle of its own weight.
double weighed_quantile(std::vector<Weighed> sorted, double q)
{
    std::ranges::sort(sorted, {}, &Weighed::value);
    double total = 0;
    for (const Weighed& one : sorted)
        total += one.weight;
    double below = 0, position = 0, value = sorted.front().value;
    for (const Weighed& one : sorted) {
        double here = (below + one.weight / 2) / total;
        if (here >= q)
            return here > position ? value + (one.value - value) * (q - position) / (here - position) : one.value;
        below += one.weight;
        position = here;
        value = one.value;
    }
    return value;
}

} // namespace

Figure::Figure(const std::vector<SampledPath>& paths)
{
    for (const SampledPath& path : paths)
        paths_.push_back({path.weight, {}});
}

double Figure::mean() const
{
    double sum = 0;
    for (const Path& path : paths_)
        sum += path.weight * median(path.repeats);
    return sum;
}

double Figure::spread() const
{
    std::vector<Weighed> all;
    for (const Path& path : paths_)
        for (double value : path.repeats)
            all.push_back({value, path.weight});
    double middle = weighed_quantile(all, 0.5);
    return middle > 0 ? (weighed_quantile(all, 0.9) - weighed_quantile(all, 0.1)) / middle : 0;
}

} // namespace pipebd::engine
