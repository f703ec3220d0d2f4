// A run as a folder of its own, whole: to be kept elsewhere, or to be a run in another lab.
#pragma once

#include "store/run_record.h"

#include <filesystem>

namespace pipebd::store {

/// Copies the run to `into`/NNNN-name, making `into` if need be, and returns that folder: there when it is complete, else not at
/// all. The database is copied by SQLite, so that it is one moment's even of a run that goes on (whose copy is a lost run
/// elsewhere); every other regular file as it is, but the lock; links are left out. Throws Error{BadRequest} if a run of this
/// number is there, Error{Damaged}, {DiskFull}, {System}.
std::filesystem::path copy_run(const RunRecord& run, const std::filesystem::path& into);

} // namespace pipebd::store
