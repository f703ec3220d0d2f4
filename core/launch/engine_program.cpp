#include "launch/supervisor.h"

#include <cstdlib>
#include <sstream>

#include <unistd.h>

namespace pipebd::launch {

namespace {

constexpr const char* engine_name = "pipebd-engine";

bool is_program(const std::filesystem::path& file)
{
    std::error_code ignored;
    return std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

} // namespace

std::filesystem::path engine_program()
{
    if (const char* named = std::getenv("PIPEBD_ENGINE"); named != nullptr && *named != '\0') {
        if (!is_program(named))
            throw Error(Code::NotFound, "PIPEBD_ENGINE does not name a program", named, "set it to a pipebd-engine, or unset it");
        return std::filesystem::absolute(named);
    }
    std::error_code ignored;
    const std::filesystem::path beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / engine_name;
    if (is_program(beside))
        return beside;
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (!folder.empty() && is_program(std::filesystem::path(folder) / engine_name))
            return std::filesystem::absolute(std::filesystem::path(folder) / engine_name);
    throw Error(Code::NotFound, "pipebd-engine does not exist", beside.string(),
        "build it (packaging/bootstrap.sh build), or set PIPEBD_ENGINE");
}

} // namespace pipebd::launch
