// StoredProfiles: the rows of library.sqlite that hold profiles. For this folder only.
#pragma once

#include "schedule/profile.h"
#include "store/stored_profile.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::store {

/// Throws SQLite's exceptions, which callers turn into Error.
class StoredProfiles {
public:
    /// `library`, the database of `file`, outlives it.
    StoredProfiles(SQLite::Database& library, std::filesystem::path file);

    std::vector<StoredProfile> all() const; // by pair, batch, dtype, devices, conditions
    StoredProfile find(const std::string& id) const;
    std::optional<schedule::Profile> read(const ProfileKey& key) const;
    void save(const ProfileKey& key, const schedule::Profile& profile);
    void remove(const std::string& id);

private:
    SQLite::Database& library_;
    std::filesystem::path file_;
};

} // namespace pipebd::store
