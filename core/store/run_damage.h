// Damage of a run: what its seals say when they are looked at.
#pragma once

#include "store/run_record.h"

#include <string>

namespace pipebd::store {

/// What is wrong with what is stored of a run that has ended, in words; empty if it is as it was sealed, or goes on. All of its
/// database is read (0.2 s for a million samples), once per process for as long as the file stays as it is. Thread-safe; throws
/// nothing but std::bad_alloc.
std::string damage_of(const RunRecord& run);

/// The same as one line that names the run and says what to do; empty if nothing is wrong.
std::string damage_warning(const RunRecord& run);

} // namespace pipebd::store
