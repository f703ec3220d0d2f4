// What the lab's databases have in common: identity, version, migrations, and SQLite's exceptions turned into Error.
//
// For the sources of this folder and their tests only: everybody else knows RunStore and Lab.
#pragma once

#include "base/error.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace pipebd::store {

inline constexpr std::chrono::milliseconds default_wait{5'000};

/// One kind of database file. steps[i] is the SQL that takes version i to version i + 1; steps[0] makes the tables.
struct Format {
    std::string name; // for people: "run database"
    std::int32_t application_id = 0;
    std::span<const char* const> steps;
    bool write_ahead_log = false;

    int version() const { return static_cast<int>(steps.size()); }
};

enum class Access { ReadOnly, ReadWrite };

/// Opens `file` after looking at it read-only: Error{NotFound}, {NotADatabase} (not SQLite, empty, another application's), {Newer},
/// {Damaged}, {Locked} after `wait`, {System}. In all these the file is left as it was. An older version is brought up to date if
/// it is opened for writing: in one transaction, after a copy was put beside it as FILE.vN.backup.
///
/// A file in write-ahead mode in a folder that cannot be written is opened as immutable, if its log is empty.
SQLite::Database open_database(
    const std::filesystem::path& file, const Format& format, Access access, std::chrono::milliseconds wait = default_wait);

/// An empty one that is nowhere on disk.
SQLite::Database database_in_memory(const Format& format);

/// Makes `file` at the newest version, unless it is there already. Made beside and renamed: no crash leaves half of it.
void create_database(const std::filesystem::path& file, const Format& format);

/// Makes `to`, which is not there yet, of one moment of `from`, whoever writes that: the same rows in a single file with the
/// rollback journal. Throws like open_database; half of a file may then be there.
void copy_database(const std::filesystem::path& from, const Format& format, const std::filesystem::path& to,
    std::chrono::milliseconds wait = default_wait);

Error error_from(const SQLite::Exception& exception, const std::filesystem::path& file);

/// PRAGMA integrity_check: "ok", or its complaints joined with "; ".
std::string integrity(SQLite::Database& database);

/// Runs `body`, which works on `file`, with exceptions of SQLite and of the file system turned into Error.
template <typename Body>
auto guarded(const std::filesystem::path& file, Body&& body) -> decltype(body())
{
    try {
        return body();
    } catch (const SQLite::Exception& exception) {
        throw error_from(exception, file);
    } catch (const std::filesystem::filesystem_error& problem) {
        throw system_error("cannot access the file", file.string(), problem.code().value());
    }
}

} // namespace pipebd::store
