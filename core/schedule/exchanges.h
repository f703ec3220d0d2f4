// Exchanges: what several devices do together: a transfer from one to another, an all-reduce, a barrier.
#pragma once

#include "schedule/program.h"
#include "schedule/timeline.h"

#include <cstddef>
#include <vector>

namespace pipebd::schedule {

bool is_exchange(Op op);

/// The same for all that take part in one exchange, and for no other. `instruction` is that of `span`, and an exchange.
std::vector<int> exchange_of(const Program& program, const Span& span, const Instruction& instruction);

/// How many take part.
std::size_t participants(const Program& program, const Span& span, const Instruction& instruction);

} // namespace pipebd::schedule
