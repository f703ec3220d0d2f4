#include "base/statistics.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pipebd {

double quantile(std::vector<double> values, double q)
{
    std::sort(values.begin(), values.end());
    const double position = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double weight = position - static_cast<double>(below);
    return values[below] * (1 - weight) + values[above] * weight;
}

double median(std::vector<double> values)
{
    return quantile(std::move(values), 0.5);
}

double spread(const std::vector<double>& values)
{
    const double middle = median(values);
    return middle > 0 ? (quantile(values, 0.9) - quantile(values, 0.1)) / middle : 0;
}

} // namespace pipebd
