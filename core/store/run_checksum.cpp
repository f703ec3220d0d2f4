#include "store/run_checksum.h"

#include "base/checksum.h"

#include <array>
#include <bit>
#include <cstdint>

namespace pipebd::store {
namespace {

constexpr std::array<const char*, 6> queries{
    "SELECT id, state, json FROM record ORDER BY id",
    "SELECT name, text FROM document ORDER BY name",
    "SELECT id, name, rank, block FROM series ORDER BY id",
    "SELECT id, series, step, t, value FROM sample ORDER BY id",
    "SELECT id, rank, phase, step, position, start, end FROM span ORDER BY id",
    "SELECT id, t, rank, text FROM log ORDER BY id",
};

void add(std::string& bytes, char kind, std::uint64_t number)
{
    bytes += kind;
    for (int shift = 0; shift < 64; shift += 8)
        bytes += static_cast<char>(number >> shift);
}

void add(std::string& bytes, const SQLite::Column& value)
{
    if (value.isNull()) {
        bytes += 'n';
    } else if (value.isInteger()) {
        add(bytes, 'i', static_cast<std::uint64_t>(value.getInt64()));
    } else if (value.isFloat()) {
        add(bytes, 'f', std::bit_cast<std::uint64_t>(value.getDouble()));
    } else {
        const std::string text = value.getString();
        add(bytes, 't', text.size());
        bytes += text;
    }
}

} // namespace

std::string checksum_of_rows(SQLite::Database& database)
{
    Sha256 sha;
    for (const char* query : queries) {
        sha.update(std::string_view("T"));
        SQLite::Statement rows(database, query);
        std::string bytes;
        while (rows.executeStep()) {
            bytes.assign(1, 'R');
            for (int column = 0; column < rows.getColumnCount(); ++column)
                add(bytes, rows.getColumn(column));
            sha.update(std::string_view(bytes));
        }
    }
    return sha.finish();
}

} // namespace pipebd::store
