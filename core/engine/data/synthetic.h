// Noise of mean 0 and deviation 1, or random tokens, with random labels; each sample a function of its part and index. For
// measuring, not for learning.
#pragma once

#include "engine/data/source.h"
#include "engine/models/block.h"

#include <memory>

namespace pipebd::engine {

std::unique_ptr<const Source> open_synthetic(const Input& input, int classes);

} // namespace pipebd::engine
