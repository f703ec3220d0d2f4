// Is a run that says it is running still supervised? And if not: it is lost, and that is recorded. For this folder only.
#pragma once

#include "store/run_record.h"

#include <filesystem>
#include <functional>

namespace pipebd::store {

/// The record of the run in `folder` as it is to be shown; `announced` makes it up for a run that has stored none yet. Throws like
/// RunStore if the run cannot be read.
///
/// A run that is not final is as it says while somebody else holds its lock, unless its supervisor is known to be gone from this
/// host. If its lock is free it is Lost. That is recorded, under the lock, unless it ran on another host: a lock does not reach
/// there.
RunRecord supervised_record(const std::filesystem::path& folder, const std::function<RunRecord()>& announced);

} // namespace pipebd::store
