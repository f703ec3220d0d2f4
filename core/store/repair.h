// Repair: what can be saved of a run whose database is damaged.
#pragma once

#include "store/run_record.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::store {

struct Repair {
    std::vector<std::string> saved; // "its record", "12,000 samples of 9 curves"
    std::vector<std::string> lost; // what could not be read, or not all of it
    std::filesystem::path damaged; // where the old database is now
};

/// Reads what can be read of the run's database and makes a new one of it, sealed anew, in its place; the old one is kept beside it
/// as run.sqlite.damaged, so that nothing is lost that another tool may read. The new one says in its document "repair" what was
/// done. A run whose record cannot be read is `failed` afterwards and says why.
///
/// Throws Error{Locked} if a process still writes the run, Error{DiskFull} or {System} if the new one cannot be written: the run is
/// then as it was.
Repair repair_run(const RunRecord& run);

} // namespace pipebd::store
