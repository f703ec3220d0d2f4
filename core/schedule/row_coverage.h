// Row coverage: that instructions find what they need on their device, for every sample they work on.
#pragma once

#include "schedule/data_flow.h"
#include "schedule/program.h"

#include <cstddef>
#include <cstdint>

namespace pipebd::schedule {

/// Throws Error{BadRequest} that names the instruction if one makes or receives samples that its device has already, or works on
/// samples for which something it needs is not there. The fields of all instructions must be in range.
/// Returns by how many batches its Receives hold more than `buffers`, all of them together.
std::int64_t check_rows(const Program& program, std::size_t phase, const Training& training, int batch, int buffers);

} // namespace pipebd::schedule
