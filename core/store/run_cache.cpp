#include "store/run_cache.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace pipebd::store {

namespace fs = std::filesystem;
using std::chrono::system_clock;

namespace {

/// The clock of a file system may stand still for so long while a file is written twice.
constexpr std::chrono::seconds coarsest_tick{2};

bool is_there(const std::string& file)
{
    struct stat status = {};
    return stat(file.c_str(), &status) == 0 && status.st_size > 0;
}

} // namespace

/// None while what is in the file may be about to change.
std::optional<RunCache::Stamp> RunCache::stamp_of(const fs::path& run_folder)
{
    const std::string file = (run_folder / "run.sqlite").string();
    struct stat status = {};
    if (stat(file.c_str(), &status) != 0 || is_there(file + "-wal") || is_there(file + "-journal"))
        return std::nullopt;
    const std::chrono::nanoseconds changed
        = std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::nanoseconds(status.st_ctim.tv_nsec);
    if (system_clock::now().time_since_epoch() - changed < coarsest_tick)
        return std::nullopt;
    return Stamp{.device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .changed = changed.count()};
}

const RunRecord& RunCache::record(const fs::path& run_folder, const std::function<RunRecord()>& read)
{
    Entry& entry = entries_[run_folder];
    const std::optional<Stamp> before = stamp_of(run_folder);
    if (before && entry.stamp == before)
        return entry.record;
    entry.stamp.reset();
    entry.record = read();
    if (is_final(entry.record.state))
        entry.stamp = before;
    return entry.record;
}

void RunCache::keep_only(const std::vector<fs::path>& folders)
{
    std::map<fs::path, Entry> kept;
    for (const fs::path& folder : folders)
        if (auto found = entries_.extract(folder))
            kept.insert(std::move(found));
    entries_ = std::move(kept);
}

} // namespace pipebd::store
