#include "cli/output_file.h"

#include "base/error.h"
#include "base/file.h"
#include "cli/named.h"

#include <filesystem>

namespace pipebd::cli {

namespace {

/// What `file` leads to, which must be a regular file or not there yet.
std::filesystem::path file_to_replace(const std::string& option, const std::filesystem::path& file)
{
    std::error_code failure;
    const std::filesystem::file_status status = std::filesystem::status(file, failure);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
        throw Error(Code::BadRequest, "this is not a regular file", option + " " + file.native(),
            "name a regular file, or one that does not exist");
    const std::filesystem::path target = std::filesystem::canonical(file, failure);
    return failure ? file : target;
}

} // namespace

void write_output_file(const std::string& option, const std::string& file, std::string_view contents)
{
    named_by_user([&] {
        replace_file(file_to_replace(option, file), contents);
        return 0;
    });
}

} // namespace pipebd::cli
