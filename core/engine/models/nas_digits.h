// The built-in pair "nas-digits": docs/formats/pairs.md.
#pragma once

#include "engine/models/block.h"

namespace pipebd::engine {

const Pair& nas_digits();

} // namespace pipebd::engine
