// The JSON of records and identities, as it stands in databases and lock files (docs/formats/lab.md). For this folder only.
#pragma once

#include "store/run_record.h"

#include <string>
#include <string_view>

namespace pipebd::store {

/// Bytes that are not UTF-8 become U+FFFD; a number that is not finite becomes null.
std::string to_json(const ProcessIdentity& process);
std::string to_json(const RunRecord& record); // without `id` and `folder`: those are where the run lies

/// Unknown keys are let be, missing ones have their defaults. Throws Error{Damaged} with `where`.
ProcessIdentity identity_from_json(std::string_view json, std::string_view where);
RunRecord record_from_json(std::string_view json, std::string_view where);

} // namespace pipebd::store
