// Training rules: that a program updates what it has to, once, with all gradients.
#pragma once

#include "schedule/program.h"

namespace pipebd::schedule {

/// 2 if any instruction of `program` is of view 1.
int views_of(const Program& program);

/// Throws Error{BadRequest} that names the instruction if `program` does not follow the rules on training, weights and the momentum
/// teacher in validator.h. The fields of its instructions must be in range.
void check_training(const Program& program);

} // namespace pipebd::schedule
