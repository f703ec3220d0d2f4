// The 8x8 digits that are linked in, enlarged by bilinear interpolation and normalised. Every fifth one is for testing.
#pragma once

#include "engine/data/source.h"
#include "engine/models/block.h"

#include <memory>

namespace pipebd::engine {

/// Throws Error{BadRequest} for a pair that does not take grey images of ten classes.
std::unique_ptr<const Source> open_digits(const Input& input, int classes);

} // namespace pipebd::engine
