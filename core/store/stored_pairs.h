// StoredPairs: the pairs that were imported into a lab: a row of library.sqlite and a folder in pairs/ each. For this folder only.
#pragma once

#include "store/lab.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::store {

/// What the library's second version adds to its first.
inline constexpr const char* pair_table = R"(
        CREATE TABLE pair (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            folder TEXT NOT NULL,
            imported TEXT NOT NULL,
            sha256 TEXT NOT NULL
        ) STRICT;
    )";

/// Throws SQLite's exceptions and those of the file system, which callers turn into Error.
class StoredPairs {
public:
    /// `library` outlives it.
    StoredPairs(SQLite::Database& library, std::filesystem::path folder);

    std::vector<StoredPair> all() const; // by name
    std::optional<StoredPair> find(const std::string& name) const;
    PairDraft draft();
    StoredPair keep(const std::string& name, PairDraft draft);
    void remove(const std::string& name);

private:
    StoredPair from_row(SQLite::Statement& row) const;

    SQLite::Database& library_;
    std::filesystem::path folder_;
};

} // namespace pipebd::store
