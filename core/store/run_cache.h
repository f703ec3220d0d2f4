// RunCache: the records of sealed runs, so that whoever lists a lab often reads each of them once. For this folder only.
#pragma once

#include "store/run_record.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace pipebd::store {

class RunCache {
public:
    /// What `read` gives, or has given: that of a run in a final state is kept for as long as its database, by device, inode, size
    /// and time of change, stays as it was and has no log or journal beside it. What throws is not kept.
    const RunRecord& record(const std::filesystem::path& run_folder, const std::function<RunRecord()>& read);

    /// Drops what is not among `folders`, which are those that there are.
    void keep_only(const std::vector<std::filesystem::path>& folders);

private:
    struct Stamp {
        dev_t device = 0;
        ino_t inode = 0;
        off_t size = 0;
        std::int64_t changed = 0; // ns since 1970
        bool operator==(const Stamp&) const = default;
    };
    struct Entry {
        std::optional<Stamp> stamp; // none: it is to be read again
        RunRecord record;
    };

    static std::optional<Stamp> stamp_of(const std::filesystem::path& run_folder);

    std::map<std::filesystem::path, Entry> entries_;
};

} // namespace pipebd::store
