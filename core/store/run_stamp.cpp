#include "store/run_stamp.h"

#include <chrono>
#include <string>

#include <sys/stat.h>

namespace pipebd::store {

namespace {

/// The clock of a file system may stand still for so long while a file is written twice.
constexpr std::chrono::seconds coarsest_tick{2};

bool is_there(const std::string& file)
{
    struct stat status = {};
    return stat(file.c_str(), &status) == 0 && status.st_size > 0;
}

} // namespace

std::optional<RunStamp> stamp_of_run(const std::filesystem::path& run_folder)
{
    const std::string file = run_folder.native() + "/run.sqlite";
    struct stat status = {};
    if (stat(file.c_str(), &status) != 0 || is_there(file + "-wal") || is_there(file + "-journal"))
        return std::nullopt;
    const std::chrono::nanoseconds changed
        = std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::nanoseconds(status.st_ctim.tv_nsec);
    if (std::chrono::system_clock::now().time_since_epoch() - changed < coarsest_tick)
        return std::nullopt;
    return RunStamp{.device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .changed = changed.count()};
}

} // namespace pipebd::store
