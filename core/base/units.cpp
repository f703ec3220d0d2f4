#include "base/units.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace pipebd {

namespace {

struct Unit {
    std::string_view name; // in lower case
    double bytes;
};

constexpr std::array<Unit, 10> units = {{
    {"", 1.0},
    {"b", 1.0},
    {"kb", 1e3},
    {"mb", 1e6},
    {"gb", 1e9},
    {"tb", 1e12},
    {"kib", 1024.0},
    {"mib", 1024.0 * 1024},
    {"gib", 1024.0 * 1024 * 1024},
    {"tib", 1024.0 * 1024 * 1024 * 1024},
}};

std::string formatted(const char* format, double value, const char* unit)
{
    std::array<char, 64> buffer{};
    const int length = std::snprintf(buffer.data(), buffer.size(), format, value, unit);
    return std::string(buffer.data(), static_cast<std::size_t>(length));
}

// Three significant digits.
std::string three_digits(double value, const char* unit)
{
    const double size = std::abs(value);
    return formatted(size < 9.995 ? "%.2f %s" : size < 99.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

} // namespace

std::string format_bytes(std::int64_t bytes)
{
    constexpr std::array names = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    if (std::abs(value) < 1024)
        return std::to_string(bytes) + " B";
    std::size_t unit = 0;
    value /= 1024;
    // 1023.95 would be rounded to "1024.0" of the smaller unit.
    while (std::abs(value) >= 1023.95 && unit + 1 < names.size()) {
        value /= 1024;
        ++unit;
    }
    return formatted("%.1f %s", value, names[unit]);
}

std::string format_milliseconds(double milliseconds)
{
    if (!std::isfinite(milliseconds))
        return "-";
    if (std::abs(milliseconds) < 999.5)
        return three_digits(milliseconds, "ms");
    const double seconds = milliseconds / 1000;
    if (std::abs(seconds) < 59.95)
        return formatted("%.1f %s", seconds, "s");
    const auto whole = static_cast<std::int64_t>(std::llround(std::min(std::abs(seconds), 1e15)));
    const std::string sign = seconds < 0 ? "-" : "";
    if (whole < 3600)
        return sign + std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
    return sign + std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::int64_t parse_bytes(std::string_view text, std::string_view where)
{
    const auto refused = [&](const std::string& why) {
        return Error(Code::BadRequest, in_quotes(text) + why, std::string(where),
            "write a whole number of bytes or a number with one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, such as 11GiB");
    };
    const std::string_view trimmed_text = trimmed(text);
    double number = 0;
    const char* begin = trimmed_text.data();
    const char* last = begin + trimmed_text.size();
    const auto [end, error] = std::from_chars(begin, last, number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number))
        throw refused(" is not a size");
    if (number < 0 || std::signbit(number))
        throw refused(" is a negative size");

    std::string unit(trimmed(trimmed_text.substr(static_cast<std::size_t>(end - begin))));
    for (char& c : unit)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const Unit& known : units) {
        if (known.name != unit)
            continue;
        if (unit.empty()) { // whole and exact, beyond the 53 bits of a double too
            std::int64_t exact = 0;
            const auto [stop, overflow] = std::from_chars(begin, last, exact);
            if (overflow != std::errc{})
                throw refused(" is too large");
            if (stop != last)
                throw refused(" is not a whole number of bytes");
            return exact;
        }
        const double bytes = std::floor(number * known.bytes);
        if (bytes >= 0x1p63)
            throw refused(" is too large");
        return static_cast<std::int64_t>(bytes);
    }
    throw refused(" has an unknown unit");
}

std::int64_t parse_bandwidth(std::string_view text, std::string_view where)
{
    std::string_view size = trimmed(text);
    if (!size.ends_with("/s"))
        throw Error(Code::BadRequest, in_quotes(text) + " is not a bandwidth", std::string(where),
            "write bytes per second, such as 25GB/s");
    size.remove_suffix(2);
    const std::int64_t bytes = parse_bytes(size, where);
    if (bytes == 0)
        throw Error(Code::BadRequest, "a link cannot have a bandwidth of " + in_quotes(text), std::string(where),
            "write bytes per second, such as 25GB/s");
    return bytes;
}

std::string format_bandwidth(double bytes_per_second)
{
    constexpr std::array names = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"};
    std::size_t unit = 0;
    while (bytes_per_second >= 999.5 && unit + 1 < names.size()) {
        bytes_per_second /= 1000;
        ++unit;
    }
    return three_digits(bytes_per_second, names[unit]);
}

} // namespace pipebd
