// What `pipebd pairs show` prints of a pair, and what makes a pair unfit for training block by block.
#pragma once

#include "engine/models/block.h"

#include <string>
#include <string_view>

namespace pipebd::engine {

/// As JSON, pipebd.pair-description/1 (docs/formats/pairs.md): blocks, and of each network's blocks shapes, parameters, bytes and
/// multiply-accumulates. Runs both networks on one sample, on the CPU.
std::string describe_pair(const Pair& pair);

/// Throws Error{BadRequest} that names the first block whose outputs differ in shape between teacher and student: they cannot be
/// compared, and the next student block cannot take the teacher's.
void require_same_outputs(const Pair& pair);

/// Whether that is so of the built-in pair `name`, which is known without running it.
bool is_end_to_end_only(std::string_view name);

} // namespace pipebd::engine
