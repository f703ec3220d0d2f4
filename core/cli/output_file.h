// A file that an option names, such as --trace.
#pragma once

#include <string>
#include <string_view>

namespace pipebd::cli {

/// Writes `contents` to the `file` that `option` names, or to what that links to. Throws Error{BadRequest} if it is neither a
/// regular file nor a new one, or cannot be written.
void write_output_file(const std::string& option, const std::string& file, std::string_view contents);

} // namespace pipebd::cli
