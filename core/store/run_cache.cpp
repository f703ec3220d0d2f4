#include "store/run_cache.h"

#include <utility>
#include <vector>

namespace pipebd::store {

namespace fs = std::filesystem;

const RunRecord& RunCache::record(const fs::path& run_folder, const std::function<RunRecord()>& read)
{
    Entry& entry = entries_[run_folder.native()];
    const std::optional<RunStamp> before = stamp_of_run(run_folder);
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
    std::unordered_map<std::string, Entry> kept;
    for (const fs::path& folder : folders)
        if (auto found = entries_.extract(folder.native()))
            kept.insert(std::move(found));
    entries_ = std::move(kept);
}

} // namespace pipebd::store
