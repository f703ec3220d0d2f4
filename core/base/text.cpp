#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace pipebd {

namespace {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t length = 0; // bytes; 0: not UTF-8
};

CodePoint decode(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return {first, 1};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length)
        return {};
    std::uint32_t value = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return {};
        value = value << 6 | (byte(i) & 0x3fu);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return {};
    return {value, length};
}

bool is_line_break(std::uint32_t c)
{
    return c == '\n' || c == '\r' || c == '\t' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_control(std::uint32_t c)
{
    const bool directional
        = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfeff || directional;
}

// Edits between two names: insert, delete, replace, or swap two neighbours (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::vector<std::size_t> row(b.size() + 1, i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            row[j + 1] = std::min({row[j] + 1, last[j + 1] + 1, last[j] + (a[i] != b[j])});
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
                row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
        }
        before_last = std::exchange(last, std::move(row));
    }
    return last.back();
}

template <typename Names>
std::string list_of(const Names& names)
{
    std::string list;
    for (const auto& name : names) {
        if (!list.empty())
            list += ", ";
        list += name;
    }
    return list;
}

} // namespace

std::string printable(std::string_view text, std::size_t limit)
{
    std::string shown;
    while (!text.empty()) {
        const CodePoint c = decode(text);
        const std::size_t length = std::max<std::size_t>(c.length, 1);
        if (shown.size() + length > limit)
            return shown + "...";
        if (c.length != 0 && is_line_break(c.value))
            shown += ' ';
        else if (c.length == 0 || is_control(c.value))
            shown += '?';
        else
            shown += text.substr(0, length);
        text.remove_prefix(length);
    }
    return shown;
}

std::string in_quotes(std::string_view text, std::size_t limit)
{
    return '\'' + printable(text, limit) + '\'';
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known)
{
    constexpr std::size_t longest = 64;
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, name.size() / 3) + 1;
    if (name.size() > longest)
        return best;
    for (std::string_view candidate : known) {
        const std::size_t edits = distance(name, candidate);
        if (edits < least) {
            least = edits;
            best = candidate;
        }
    }
    return best;
}

std::string joined(std::span<const std::string_view> names)
{
    return list_of(names);
}

std::string joined(std::span<const std::string> names)
{
    return list_of(names);
}

bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        const CodePoint c = decode(text);
        if (c.length == 0)
            return false;
        text.remove_prefix(c.length);
    }
    return true;
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

std::string general(double number)
{
    char text[64];
    std::snprintf(text, sizeof text, "%g", number);
    return text;
}

} // namespace pipebd
