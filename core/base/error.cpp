#include "base/error.h"

#include "base/text.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pipebd {

namespace {

constexpr std::array<std::pair<Code, std::string_view>, 15> code_names = {{
    {Code::BadRequest, "BadRequest"},
    {Code::NotFound, "NotFound"},
    {Code::Damaged, "Damaged"},
    {Code::Newer, "Newer"},
    {Code::NotADatabase, "NotADatabase"},
    {Code::Locked, "Locked"},
    {Code::RankDied, "RankDied"},
    {Code::TimedOut, "TimedOut"},
    {Code::Protocol, "Protocol"},
    {Code::NotFinite, "NotFinite"},
    {Code::OutOfMemory, "OutOfMemory"},
    {Code::DiskFull, "DiskFull"},
    {Code::Cancelled, "Cancelled"},
    {Code::System, "System"},
    {Code::Internal, "Internal"},
}};

std::string one_line(const std::string& what, const std::string& where, const std::string& remedy)
{
    std::string line = printable(what);
    if (!where.empty())
        line += ": " + printable(where);
    if (!remedy.empty())
        line += "; " + printable(remedy);
    return line;
}

} // namespace

std::string_view to_string(Code code)
{
    for (const auto& [known, name] : code_names)
        if (known == code)
            return name;
    return "Internal";
}

Code code_from_string(std::string_view name)
{
    for (const auto& [code, known] : code_names)
        if (known == name)
            return code;
    return Code::Internal;
}

Error::Error(Code code, std::string what, std::string where, std::string remedy)
    : code_(code)
    , what_(std::move(what))
    , where_(std::move(where))
    , remedy_(std::move(remedy))
    , line_(one_line(what_, where_, remedy_))
{
}

Error system_error(std::string_view action, std::string_view where, int error_number)
{
    const int number = error_number != 0 ? error_number : errno;
    const std::string what = std::string(action) + " (" + std::system_category().message(number) + ")";
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: // a limit on the size of files
        return {Code::DiskFull, what, std::string(where), "free some space, or choose another disk"};
    case ENOENT:
    case ENOTDIR:
        return {Code::NotFound, what, std::string(where), "check the path"};
    case ENOMEM:
        return {Code::OutOfMemory, what, std::string(where), "close other programs, or provide more memory"};
    case EACCES:
    case EPERM:
        return {Code::System, what, std::string(where), "check its owner and permissions"};
    case EROFS:
        return {Code::System, what, std::string(where), "choose a place that is not read-only"};
    default:
        return {Code::System, what, std::string(where)};
    }
}

} // namespace pipebd
