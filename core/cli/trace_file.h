// The file that --trace names.
#pragma once

#include <string>
#include <string_view>

namespace pipebd::cli {

/// Writes `trace` to `file`, or to what that links to. Throws Error{BadRequest} if it is neither a regular file nor a new one, or
/// cannot be written.
void write_trace_file(const std::string& file, std::string_view trace);

} // namespace pipebd::cli
