// Units: how sizes, times and rates are read from and written for people. Files always hold plain numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pipebd {

/// "11.2 GiB", "640 B".
std::string format_bytes(std::int64_t bytes);

/// "1.25 ms", "2.4 s", "3 min 5 s".
std::string format_milliseconds(double milliseconds);

/// "11GiB", "512 MB", "1000": bytes. Throws Error{BadRequest}, with `where` as its place.
std::int64_t parse_bytes(std::string_view text, std::string_view where);

/// "25GB/s", "12.5 GiB/s": bytes a second, more than none. Throws like parse_bytes.
std::int64_t parse_bandwidth(std::string_view text, std::string_view where);

/// "25.0 GB/s", in decimal units, as links are sold.
std::string format_bandwidth(double bytes_per_second);

} // namespace pipebd
