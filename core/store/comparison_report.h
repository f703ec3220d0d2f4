// A comparison as one HTML file that needs nothing beside itself: no network, no script. Light or dark as the reader's browser is.
#pragma once

#include "store/run_comparison.h"

#include <string>

namespace pipebd::store {

/// Results with the best marked, repetitions, predictions against what was measured, curves of loss, throughput and memory by step,
/// the newest measured step of each run as a timeline, and settings. Curves are read from the runs' databases now; what cannot be
/// read is left out. Everything that runs say of themselves is shown as text.
std::string comparison_report(const RunComparison& comparison);

} // namespace pipebd::store
