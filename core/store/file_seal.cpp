#include "store/file_seal.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* format = "pipebd.seal/1";
constexpr std::int64_t piece = 1 << 20; // bytes read at once
constexpr std::uintmax_t longest_seal = 4096;

struct Digest {
    std::int64_t bytes = 0;
    std::string sha256;
    bool operator==(const Digest&) const = default;
};

fs::path seal_beside(const fs::path& file)
{
    return fs::absolute(file).parent_path() / seal_file_name;
}

void require(int code, SQLite::Database& database)
{
    if (code != SQLITE_OK)
        throw SQLite::Exception(database.getHandle(), code);
}

/// Under a read lock, so that nobody writes meanwhile.
Digest digest_of(SQLite::Database& database)
{
    database.execAndGet("SELECT count(*) FROM sqlite_master"); // takes the lock of the transaction
    sqlite3_file* opened = nullptr;
    require(sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &opened), database);
    sqlite3_int64 size = 0;
    require(opened->pMethods->xFileSize(opened, &size), database);
    Sha256 sha;
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min<std::int64_t>(piece, size)));
    for (std::int64_t place = 0; place < size;) {
        const auto count = static_cast<int>(std::min<std::int64_t>(piece, size - place));
        require(opened->pMethods->xRead(opened, bytes.data(), count, place), database);
        sha.update(std::span(bytes).first(static_cast<std::size_t>(count)));
        place += count;
    }
    return {size, sha.finish()};
}

} // namespace

void seal_file(SQLite::Database& database, const fs::path& file)
{
    SQLite::Transaction snapshot(database);
    const Digest digest = digest_of(database);
    const nlohmann::ordered_json seal = {{"format", format}, {"bytes", digest.bytes}, {"sha256", digest.sha256}};
    replace_file(seal_beside(file), seal.dump() + "\n");
}

bool has_file_seal(const fs::path& file)
{
    std::error_code none;
    return fs::exists(seal_beside(file), none);
}

std::string check_file_seal(SQLite::Database& database, const fs::path& file)
{
    if (!has_file_seal(file))
        return "ok";
    const auto seal = nlohmann::json::parse(read_file(seal_beside(file), longest_seal), nullptr, false);
    const bool readable = seal.is_object() && seal.value("format", nlohmann::json()) == format
        && seal.value("bytes", nlohmann::json()).is_number_integer() && seal.value("sha256", nlohmann::json()).is_string();
    if (!readable)
        return std::string(seal_file_name) + ", the checksum of its file, cannot be read";
    const Digest sealed{seal["bytes"].get<std::int64_t>(), seal["sha256"].get<std::string>()};
    return digest_of(database) == sealed ? "ok" : "its file is not the one that was sealed: the checksum differs";
}

} // namespace pipebd::store
