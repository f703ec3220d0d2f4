// A step of a run as a strip of SVG, a row a device: for the report. For this folder only.
#pragma once

#include "schedule/comparison.h"
#include "schedule/program.h"

#include <string>

namespace pipebd::store {

/// What is measured, and above it, thinner, what was predicted; `length` milliseconds are as wide as the page, so that strips of
/// several runs compare. Letters stand beside colours. Empty if nothing is measured.
std::string timeline_strip(const schedule::Program& program, const schedule::SideBySide& both, double length);

/// What colours and letters mean.
std::string timeline_legend();

} // namespace pipebd::store
