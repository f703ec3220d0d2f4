#include "store/database.h"

#include "base/foreign_error.h"

#include "base/file.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace pipebd::store {
namespace {

namespace fs = std::filesystem;

int whole_milliseconds(std::chrono::milliseconds wait)
{
    return static_cast<int>(wait.count());
}

Error not_ours(const fs::path& file, const Format& format, std::string_view why)
{
    return {Code::NotADatabase, "not a " + format.name + " (" + std::string(why) + ")", file.string(),
        "name another file, or move this one away"};
}

Error damaged(const fs::path& file, std::string_view why)
{
    return {
        Code::Damaged, "the database is damaged (" + std::string(why) + ")", file.string(), "restore it from a copy, or delete it"};
}

void configure(SQLite::Database& database)
{
    database.exec("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

int version_of(SQLite::Database& database)
{
    return database.execAndGet("PRAGMA user_version").getInt();
}

void check_identity(SQLite::Database& database, const fs::path& file, const Format& format)
{
    const int application = database.execAndGet("PRAGMA application_id").getInt();
    if (application != format.application_id)
        throw not_ours(file, format, "its application id is " + std::to_string(application));
    const int version = version_of(database);
    if (version > format.version())
        throw Error(Code::Newer,
            "this " + format.name + " was written by a later version of this program (its version is " + std::to_string(version)
                + ", the newest known one " + std::to_string(format.version()) + ")",
            file.string(), "install the version that wrote it, or a later one");
    if (version < 1)
        throw damaged(file, "it has no version");
    // SQLite itself takes a page that is cut off for one that ends in zeros.
    if (fs::file_size(file) % database.execAndGet("PRAGMA page_size").getUInt() != 0)
        throw damaged(file, "it is cut off");
}

void check_plausible(const fs::path& file, const Format& format)
{
    std::error_code problem;
    const fs::file_status status = fs::status(file, problem);
    if (status.type() == fs::file_type::not_found)
        throw Error(Code::NotFound, "there is no " + format.name, file.string());
    if (problem)
        throw system_error("cannot access the " + format.name, file.string(), problem.value());
    if (status.type() != fs::file_type::regular)
        throw not_ours(file, format, "it is not a file");
    if (fs::file_size(file) == 0)
        throw not_ours(file, format, "it is empty");
}

bool has_log(const fs::path& file)
{
    for (const char* suffix : {"-wal", "-journal"}) {
        std::error_code none;
        const std::uintmax_t size = fs::file_size(file.string() + suffix, none);
        if (!none && size > 0)
            return true;
    }
    return false;
}

std::string immutable_uri(const fs::path& file)
{
    static constexpr char hexadecimal[] = "0123456789ABCDEF";
    std::string uri = "file:";
    for (const char character : fs::absolute(file).string()) {
        const auto byte = static_cast<unsigned char>(character);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')
            || byte == '/' || byte == '-' || byte == '_' || byte == '.';
        if (plain)
            uri += character;
        else
            uri += {'%', hexadecimal[byte >> 4], hexadecimal[byte & 15]};
    }
    return uri + "?immutable=1";
}

SQLite::Database open_immutable(const fs::path& file, const Format& format)
{
    SQLite::Database database(immutable_uri(file), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    configure(database);
    check_identity(database, file, format);
    return database;
}

SQLite::Database open_read_only(const fs::path& file, const Format& format, std::chrono::milliseconds wait)
{
    check_plausible(file, format);
    try {
        SQLite::Database database(file.string(), SQLite::OPEN_READONLY, whole_milliseconds(wait));
        configure(database);
        check_identity(database, file, format);
        return database;
    } catch (const SQLite::Exception& exception) {
        const int code = exception.getErrorCode() & 0xff;
        if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || access(file.c_str(), R_OK) != 0)
            throw;
        if (has_log(file) && access(fs::absolute(file).parent_path().c_str(), W_OK) != 0)
            throw Error(Code::System, "its newest rows are in a log that can only be read with write permission for its folder",
                file.string(), "copy the folder to a place that you can write to, or have its owner list the lab once");
        if (has_log(file))
            throw;
    }
    return open_immutable(file, format);
}

/// Throws unless `file` is of this format; writes nothing.
void identify(const fs::path& file, const Format& format, std::chrono::milliseconds wait)
{
    try {
        open_read_only(file, format, wait);
    } catch (const SQLite::Exception& exception) {
        if (exception.getExtendedErrorCode() != SQLITE_READONLY_ROLLBACK)
            throw;
        open_immutable(file, format); // a writer was killed: whoever opens it for writing rolls its journal back
    }
}

void copy_into(const fs::path& file, SQLite::Database& from)
{
    SQLite::Database to(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    SQLite::Backup backup(to, from);
    if (backup.executeStep() != SQLITE_DONE) // it says so, rather than throw, if another process holds the database
        throw Error(Code::Locked, "another process is using the database", from.getFilename(), "try again when it is done");
}

void back_up(const fs::path& file, int version, std::chrono::milliseconds wait)
{
    const fs::path copy = file.string() + ".v" + std::to_string(version) + ".backup";
    const fs::path beside = copy.string() + ".new";
    fs::remove(beside);
    {
        SQLite::Database from(file.string(), SQLite::OPEN_READONLY, whole_milliseconds(wait));
        copy_into(beside, from);
    }
    fs::rename(beside, copy);
    sync_folder(fs::absolute(file).parent_path());
}

void apply(SQLite::Database& database, const Format& format, int from)
{
    for (int step = from; step < format.version(); ++step)
        database.exec(format.steps[static_cast<std::size_t>(step)]);
    database.exec("PRAGMA user_version = " + std::to_string(format.version()));
}

void migrate(SQLite::Database& database, const fs::path& file, const Format& format, std::chrono::milliseconds wait)
{
    if (version_of(database) == format.version())
        return;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    const int from = version_of(database); // another process may have been first
    if (from < format.version()) {
        back_up(file, from, wait);
        apply(database, format, from);
    }
    transaction.commit();
}

/// Renames `made` to `file` unless that exists; then `made` is removed.
void put_in_place(const fs::path& made, const fs::path& file)
{
    int problem = renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (problem != 0) {
        if (problem == EINVAL) // the file system cannot rename so, but may link
            problem = link(made.c_str(), file.c_str()) == 0 ? 0 : errno;
        if (problem != 0 && problem != EEXIST)
            throw system_error("cannot create the database", file.string(), problem);
        fs::remove(made);
    }
    sync_folder(fs::absolute(file).parent_path());
}

SQLite::Database open_for_writing(const fs::path& file, const Format& format, std::chrono::milliseconds wait)
{
    identify(file, format, wait);
    SQLite::Database database(file.string(), SQLite::OPEN_READWRITE, whole_milliseconds(wait));
    if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
        throw Error(Code::System, "the " + format.name + " cannot be written", file.string(), "get write permission for it");
    configure(database);
    database.exec("PRAGMA synchronous = FULL");
    check_identity(database, file, format);
    migrate(database, file, format, wait);
    return database;
}

} // namespace

SQLite::Database open_database(const fs::path& file, const Format& format, Access access, std::chrono::milliseconds wait)
{
    return guarded(file,
        [&] { return access == Access::ReadOnly ? open_read_only(file, format, wait) : open_for_writing(file, format, wait); });
}

SQLite::Database database_in_memory(const Format& format)
{
    SQLite::Database database(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    configure(database);
    apply(database, format, 0);
    return database;
}

void create_database(const fs::path& file, const Format& format)
{
    static std::atomic<int> count = 0;
    const fs::path made = file.string() + ".new-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    std::error_code ignored;
    fs::remove(made, ignored);
    try {
        guarded(file, [&] {
            SQLite::Database database(made.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
            configure(database);
            SQLite::Transaction transaction(database);
            database.exec("PRAGMA application_id = " + std::to_string(format.application_id));
            apply(database, format, 0);
            transaction.commit();
            if (format.write_ahead_log)
                database.execAndGet("PRAGMA journal_mode = WAL");
        });
        guarded(file, [&] { put_in_place(made, file); });
    } catch (...) {
        fs::remove(made, ignored);
        throw;
    }
}

void copy_database(const fs::path& from, const Format& format, const fs::path& to, std::chrono::milliseconds wait)
{
    SQLite::Database database = open_database(from, format, Access::ReadOnly, wait);
    guarded(to, [&] {
        copy_into(to, database);
        SQLite::Database(to.string(), SQLite::OPEN_READWRITE).execAndGet("PRAGMA journal_mode = DELETE");
    });
}

Error error_from(const SQLite::Exception& exception, const fs::path& file)
{
    const std::string place = file.string();
    switch (exception.getErrorCode() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {Code::Locked, "another process is using the database", place, "try again when it is done"};
    case SQLITE_NOTADB:
        return {Code::NotADatabase, "not a database of this program (" + foreign_reason(exception.what()) + ")", place,
            "name another file, or move this one away"};
    case SQLITE_CORRUPT:
        return damaged(file, exception.what());
    case SQLITE_FULL:
        return {Code::DiskFull, "the disk is full", place, "free some space"};
    case SQLITE_NOMEM:
        return {Code::OutOfMemory, "there is not enough memory for the database", place};
    case SQLITE_READONLY:
        return {Code::System, "no permission to write this", place, "ask its owner, or copy it to a folder that you can write to"};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_IOERR:
        return {Code::System, "the database cannot be opened, read or written (" + foreign_reason(exception.what()) + ")", place,
            "check the permissions of the file and its folder, and the disk"};
    default:
        return {Code::Internal, "the database refused (" + foreign_reason(exception.what()) + ")", place};
    }
}

std::string integrity(SQLite::Database& database)
{
    std::string complaints;
    SQLite::Statement check(database, "PRAGMA integrity_check(20)");
    while (check.executeStep())
        complaints += (complaints.empty() ? "" : "; ") + check.getColumn(0).getString();
    return complaints;
}

} // namespace pipebd::store
