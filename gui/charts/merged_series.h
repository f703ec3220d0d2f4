// MergedSeries: one curve of several series of a run, sample by sample: the mean of its blocks' losses, the largest of its ranks'
// memories. Only samples that every series has are merged, so that the end of a live curve does not move.
#pragma once

#include "gui/lab/run_update.h"

#include <vector>

namespace pipebd::gui {

enum class Merge { Mean, Largest };

/// Samples from the `begin`-th on of all of `series`, none of which may be null; step is the first one's, time the latest.
std::vector<SeriesPoint> mergedFrom(const std::vector<const std::vector<SeriesPoint>*>& series, std::size_t begin, Merge how);

/// By sample, of all of `series`: mean, and how far the values lie apart (deviation of the sample: divided by count - 1; 0 of one).
struct Spread {
    std::vector<SeriesPoint> mean;
    std::vector<double> deviation;
};
/// `smoothing`: of each series before they are compared (see DebiasedMean); `mean` is not smoothed.
Spread spreadOf(const std::vector<const std::vector<SeriesPoint>*>& series, double smoothing);

} // namespace pipebd::gui
