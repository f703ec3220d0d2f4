// Tensors of one safetensors file: `images` [samples, channels, height, width], U8 (divided by 255) or F32 (as they are), or for a
// pair that takes texts `tokens` [samples, tokens], I64; and `labels` [samples], I64. The same with `test_` before their names is
// for testing; without, every tenth sample is. With draws images are shifted and mirrored (crop-flip). The file is mapped, never
// read whole.
#pragma once

#include "engine/data/source.h"
#include "engine/models/block.h"
#include "experiment/experiment.h"

#include <memory>

namespace pipebd::engine {

/// Of the file data.path. Throws Error{NotFound}, {Damaged} for a file that is not sound, or {BadRequest} that names the tensor
/// that is missing or is not as the pair takes it.
std::unique_ptr<const Source> open_tensors(const experiment::Data& data, const Input& input, int classes);

} // namespace pipebd::engine
