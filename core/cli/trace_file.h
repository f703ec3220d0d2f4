// Files that are named to be written, such as that of --trace.
#pragma once

#include <string>
#include <string_view>

namespace pipebd::cli {

/// Writes `contents` to `file`, which `option` names, or to what that links to. Throws Error{BadRequest} if it is neither a regular
/// file nor a new one, or cannot be written.
void write_named_file(const std::string& file, const std::string& option, std::string_view contents);

/// The file of --trace.
void write_trace_file(const std::string& file, std::string_view trace);

} // namespace pipebd::cli
