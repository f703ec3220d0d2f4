// Annotations: the rows of library.sqlite in which people's tags, notes and deletions of runs stand. For this folder only.
//
// A row is of a run's number and its folder: a folder that is put in another one's place by hand does not inherit what was said of
// that. Functions throw SQLite's exceptions, which callers turn into Error, and write within the caller's transaction.
#pragma once

#include "store/annotation.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace pipebd::store {

/// What the library's third version adds to its second.
inline constexpr const char* annotation_tables = R"(
        CREATE TABLE annotation (
            run INTEGER PRIMARY KEY,
            folder TEXT NOT NULL,
            note TEXT NOT NULL,
            deleted TEXT NOT NULL
        ) STRICT;
        CREATE TABLE tag (
            run INTEGER NOT NULL REFERENCES annotation (run) ON DELETE CASCADE,
            tag TEXT NOT NULL,
            PRIMARY KEY (run, tag)
        ) STRICT, WITHOUT ROWID;
    )";

class Annotations {
public:
    /// `library` outlives it.
    explicit Annotations(SQLite::Database& library);

    /// By run; of those whose folder is below `runs`.
    std::map<int, Annotation> all(const std::filesystem::path& runs) const;

    /// Of one run, whose folder has this name.
    Annotation of(int run, const std::string& folder) const;

    void set_note(int run, const std::string& folder, const std::string& note);
    void set_deleted(int run, const std::string& folder, const std::string& deleted);
    void set_tags(int run, const std::string& folder, std::span<const std::string> tags);
    void remove(int run);

private:
    void make_row(int run, const std::string& folder);

    SQLite::Database& library_;
};

} // namespace pipebd::store
