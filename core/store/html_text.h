// Text of the reports: what runs say of themselves made fit for HTML and SVG, and numbers for people. For this folder only.
#pragma once

#include <string>
#include <string_view>

namespace pipebd::store {

/// Shown as it is, wherever it stands between tags or in a quoted attribute: one line, cut at `limit` bytes.
std::string escaped(std::string_view text, std::size_t limit = 200);

/// The same for text of several lines, which stay lines.
std::string escaped_lines(std::string_view text, std::size_t limit = 4000);

/// With two decimals at most: coordinates of drawings.
std::string coordinate_text(double value);

} // namespace pipebd::store
