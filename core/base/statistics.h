// Statistics of repeated measurements.
#pragma once

#include <vector>

namespace pipebd {

/// Between the two nearest values in proportion; `values`, at least one, may be in any order; `q` from 0 to 1.
double quantile(std::vector<double> values, double q);

double median(std::vector<double> values);

/// (p90 - p10) / median; 0 if the median is not positive.
double spread(const std::vector<double>& values);

} // namespace pipebd
