// The checksum of a finished run: SHA-256 over its rows, read back from the database itself. For this folder only.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>

namespace pipebd::store {

/// Over the tables and columns of version 1, in the order that docs/formats/lab.md fixes; later versions do not change it.
std::string checksum_of_rows(SQLite::Database& database);

} // namespace pipebd::store
