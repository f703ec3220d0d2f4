#include "gui/charts/merged_series.h"

#include "gui/charts/smoothing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pipebd::gui {

namespace {

std::size_t shortest(const std::vector<const std::vector<SeriesPoint>*>& series)
{
    std::size_t count = std::numeric_limits<std::size_t>::max();
    for (const auto* one : series)
        count = std::min(count, one->size());
    return series.empty() ? 0 : count;
}

} // namespace

std::vector<SeriesPoint> mergedFrom(const std::vector<const std::vector<SeriesPoint>*>& series, std::size_t begin, Merge how)
{
    std::vector<SeriesPoint> merged;
    const std::size_t end = shortest(series);
    for (std::size_t i = begin; i < end; ++i) {
        SeriesPoint point = (*series.front())[i];
        for (std::size_t k = 1; k < series.size(); ++k) {
            const SeriesPoint& other = (*series[k])[i];
            point.t = std::max(point.t, other.t);
            point.value = how == Merge::Mean ? point.value + other.value : std::max(point.value, other.value);
        }
        if (how == Merge::Mean)
            point.value /= static_cast<double>(series.size());
        merged.push_back(point);
    }
    return merged;
}

Spread spreadOf(const std::vector<const std::vector<SeriesPoint>*>& series, double smoothing)
{
    Spread spread;
    spread.mean = mergedFrom(series, 0, Merge::Mean);
    std::vector<DebiasedMean> means(series.size(), DebiasedMean(smoothing));
    std::vector<double> values(series.size());
    for (std::size_t i = 0; i < spread.mean.size(); ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < series.size(); ++k) {
            values[k] = smoothing > 0 ? means[k].next((*series[k])[i].value) : (*series[k])[i].value;
            sum += values[k];
        }
        const double mean = sum / static_cast<double>(values.size());
        double squares = 0;
        for (const double value : values)
            squares += (value - mean) * (value - mean);
        spread.deviation.push_back(values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 0);
    }
    return spread;
}

} // namespace pipebd::gui
