// Text from outside, made fit to be shown in one line.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace pipebd {

/// `text` as valid UTF-8 in one line: line breaks become spaces; other control characters, marks that change the direction of
/// writing and bytes that are not UTF-8 become '?'. Longer than `limit` bytes it is cut and ends in "...".
std::string printable(std::string_view text, std::size_t limit = 2000);

/// printable() between single quotes, cut at `limit` bytes.
std::string in_quotes(std::string_view text, std::size_t limit = 80);

/// The one of `known` that was probably meant by `name`; empty if none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known);

/// "a, b, c".
std::string joined(std::span<const std::string_view> names);
std::string joined(std::span<const std::string> names);

/// `text` without the spaces around it.
std::string_view trimmed(std::string_view text);

/// Whether `text` is UTF-8 throughout (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

/// `number` with as many of six digits as it needs: "1.7".
std::string general(double number);

} // namespace pipebd
