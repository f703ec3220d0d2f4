// The seal of a run's file: size and SHA-256 of all of its bytes, in seal.json beside it (docs/formats/lab.md). It tells what the
// checksum over rows cannot: a change where no row is. For this folder only.
//
// The file is read by the descriptor that SQLite has open: closing another one would drop the locks of this process.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>

namespace pipebd::store {

inline constexpr const char* seal_file_name = "seal.json";

/// Seals the file of `database`, which is not in write-ahead mode. Throws SQLite's exceptions and Error{DiskFull} or {System}.
void seal_file(SQLite::Database& database, const std::filesystem::path& file);

bool has_file_seal(const std::filesystem::path& file);

/// "ok", also if the file has no such seal; or what is wrong. Throws SQLite's exceptions.
std::string check_file_seal(SQLite::Database& database, const std::filesystem::path& file);

} // namespace pipebd::store
