#include "base/foreign_error.h"

#include "base/text.h"

#include <algorithm>
#include <filesystem>
#include <new>

namespace pipebd {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view enforced = "enforce fail at ";

/// "pair.cc:553": ends in the number of a line, behind the name of a file.
bool is_place_in_sources(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    return colon != std::string_view::npos && colon + 1 < text.size() && text.find_first_not_of(digits, colon + 1) == text.npos
        && text.substr(0, colon).find('.') != text.npos
        && text.substr(0, colon).find_first_not_of("0123456789.") != text.npos; // "[127.0.0.1:4711]" is an address
}

bool is_mark(std::string_view inside)
{
    return inside.starts_with("json.exception.") || inside.starts_with(enforced) || is_place_in_sources(inside);
}

/// `text` without what stands in such brackets; behind a failed check also without its condition ("err == 0. ").
std::string without_marks(std::string text)
{
    for (std::size_t open = text.find('['); open != std::string::npos; open = text.find('[', open)) {
        const std::size_t close = text.find(']', open);
        if (close == std::string::npos)
            break;
        const std::string inside = text.substr(open + 1, close - open - 1);
        if (!is_mark(inside)) {
            open = close;
            continue;
        }
        std::size_t end = close + 1;
        if (const std::size_t stop = text.find(". ", end); inside.starts_with(enforced) && stop != std::string::npos)
            end = stop + 2;
        text.erase(open, std::min(text.find_first_not_of(' ', end), text.size()) - open);
    }
    return text;
}

} // namespace

std::string foreign_reason(std::string_view text)
{
    constexpr std::size_t longest = 300;
    std::string reason(text.substr(0, text.find('\n')));
    for (const std::string_view frames :
        {" (Exception raised from ", "Exception raised from ", "<Error computing", " (Could this error"})
        reason.erase(std::min(reason.find(frames), reason.size()));
    reason = std::string(trimmed(without_marks(std::move(reason))));
    return reason.empty() ? "no reason given" : printable(reason, longest);
}

Error error_from(const std::exception& error, std::string_view where)
{
    if (const auto* ours = dynamic_cast<const Error*>(&error))
        return *ours;
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr)
        return {Code::OutOfMemory, "out of memory", std::string(where), "close other programs, or provide more memory"};
    if (const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&error); files != nullptr && files->code())
        return system_error(
            "cannot access the file", files->path1().empty() ? where : files->path1().native(), files->code().value());
    return {Code::Internal, "internal error (" + foreign_reason(error.what()) + ")", std::string(where), "please report it"};
}

} // namespace pipebd
