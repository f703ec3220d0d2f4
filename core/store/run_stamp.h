// RunStamp: by what it is told, without reading it, that a run's database is as it was. For this folder only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace pipebd::store {

struct RunStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed = 0; // ns since 1970
    auto operator<=>(const RunStamp&) const = default;
};

/// Of the database in `run_folder`. None if there is none, or while what is in it may be about to change: a log or a journal
/// beside it, or a change so short ago that the file system's clock may not have moved since.
std::optional<RunStamp> stamp_of_run(const std::filesystem::path& run_folder);

} // namespace pipebd::store
