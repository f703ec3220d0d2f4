// RunCache: the records of sealed runs, so that whoever lists a lab often reads each of them once. For this folder only.
#pragma once

#include "store/run_record.h"
#include "store/run_stamp.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pipebd::store {

class RunCache {
public:
    /// What `read` gives, or has given: that of a run in a final state is kept for as long as its database stays as it was
    /// (RunStamp). What throws is not kept.
    const RunRecord& record(const std::filesystem::path& run_folder, const std::function<RunRecord()>& read);

    /// Drops what is not among `folders`, which are those that there are.
    void keep_only(const std::vector<std::filesystem::path>& folders);

private:
    struct Entry {
        std::optional<RunStamp> stamp; // none: it is to be read again
        RunRecord record;
    };

    std::unordered_map<std::string, Entry> entries_; // by folder
};

} // namespace pipebd::store
