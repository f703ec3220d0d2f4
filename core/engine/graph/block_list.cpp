#include "engine/graph/block_list.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace pipebd::engine {

namespace {

constexpr std::string_view remedy = "write e.g. features.0-3,features.4-6,avgpool+classifier";
constexpr std::size_t longest = 100'000;

std::optional<int> number_of(std::string_view text)
{
    int number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = failure == std::errc() && end == text.data() + text.size() && !text.empty() && text[0] != '-';
    return whole ? std::optional(number) : std::nullopt;
}

BlockPart parse_part(std::string_view text, std::string_view where)
{
    const auto refuse = [&](const char* problem) -> Error {
        return {Code::BadRequest, std::string(problem) + ": " + in_quotes(text), std::string(where), std::string(remedy)};
    };
    if (text.empty())
        throw refuse("a part of the block list is empty");
    if (text == ".")
        return {};
    const std::size_t dot = text.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? text : text.substr(dot + 1);
    const std::string_view path = dot == std::string_view::npos ? "" : text.substr(0, dot);
    if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos
        || std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; }))
        throw refuse("not a valid module path");
    if (const std::size_t dash = last.find('-'); dash != std::string_view::npos) {
        const auto first_number = number_of(last.substr(0, dash)), last_number = number_of(last.substr(dash + 1));
        if (first_number && last_number) {
            if (*first_number > *last_number)
                throw refuse("the range is empty");
            return {.path = std::string(path), .first = *first_number, .last = *last_number};
        }
    }
    return {.path = std::string(text)};
}

/// What is left of `path` inside the module `outer`; none if it is not inside.
std::optional<std::string_view> inside(std::string_view outer, std::string_view path)
{
    if (outer.empty())
        return path;
    if (!path.starts_with(outer) || (path.size() > outer.size() && path[outer.size()] != '.'))
        return std::nullopt;
    return path.substr(std::min(path.size(), outer.size() + 1));
}

std::vector<std::string_view> split(std::string_view text, char separator)
{
    std::vector<std::string_view> pieces;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(separator, begin), text.size());
        pieces.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return pieces;
}

} // namespace

bool BlockPart::holds(std::string_view module) const
{
    const std::optional<std::string_view> rest = inside(path, module);
    if (!rest || first < 0)
        return rest.has_value();
    const std::optional<int> number = number_of(rest->substr(0, rest->find('.')));
    return number && *number >= first && *number <= last;
}

std::string to_string(const BlockPart& part)
{
    if (part.first < 0)
        return part.path.empty() ? "." : part.path;
    return part.path + (part.path.empty() ? "" : ".") + std::to_string(part.first) + "-" + std::to_string(part.last);
}

bool BlockParts::holds(std::string_view path) const
{
    return std::ranges::any_of(parts, [&](const BlockPart& part) { return part.holds(path); });
}

std::string to_string(const BlockParts& block)
{
    std::string text;
    for (const BlockPart& part : block.parts) {
        text += text.empty() ? "" : "+";
        text += to_string(part);
    }
    return text;
}

std::vector<BlockParts> parse_block_list(std::string_view text, std::string_view where)
{
    if (text.size() > longest)
        throw Error(Code::BadRequest, "the block list is too long", std::string(where), std::string(remedy));
    std::vector<BlockParts> blocks;
    for (std::string_view block : split(text, ',')) {
        blocks.emplace_back();
        for (std::string_view part : split(trimmed(block), '+'))
            blocks.back().parts.push_back(parse_part(trimmed(part), where));
    }
    return blocks;
}

std::string to_string(const std::vector<BlockParts>& blocks)
{
    std::string text;
    for (const BlockParts& block : blocks) {
        text += text.empty() ? "" : ",";
        text += to_string(block);
    }
    return text;
}

} // namespace pipebd::engine
