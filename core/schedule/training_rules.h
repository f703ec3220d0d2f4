// Training rules: that a program updates what it has to, once, with all gradients.
#pragma once

#include "schedule/program.h"
#include "schedule/value.h"

namespace pipebd::schedule {

/// Throws Error{BadRequest} that names the instruction if `program` does not follow the rules on training, weights and the momentum
/// teacher in validator.h. `training`: of any of its phases. The fields of its instructions must be in range.
void check_training(const Program& program, const Training& training);

} // namespace pipebd::schedule
