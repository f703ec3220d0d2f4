// Results of runs as people read them, in English: for the command line and the report.
#pragma once

#include "store/run_comparison.h"

#include <string>
#include <string_view>

namespace pipebd::store {

/// "final loss, block 3"
std::string name_of(const ComparedResult& result);

/// `value` in the unit of `result`: "1.25 ms", "11.2 GiB", "97.3 %", of a prediction's error with its sign.
std::string text_of(const ComparedResult& result, double value);

/// A deviation from a mean in the same unit, without a sign.
std::string deviation_text(const ComparedResult& result, double deviation);

/// "higher is better"; empty if neither is.
std::string_view direction_of(Better better);

} // namespace pipebd::store
