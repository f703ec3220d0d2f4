#include "store/stored_profiles.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/text.h"
#include "store/run_record.h"

#include <algorithm>
#include <utility>

namespace pipebd::store {

namespace {

constexpr std::size_t id_digits = 8;

void bind(SQLite::Statement& statement, const ProfileKey& key)
{
    statement.bind(1, key.pair);
    statement.bind(2, key.batch);
    statement.bind(3, key.dtype);
    statement.bind(4, key.devices);
    statement.bind(5, key.conditions);
}

} // namespace

std::string profile_id(const ProfileKey& key)
{
    const std::string separator(1, '\0');
    std::string text = key.pair;
    for (const std::string& part : {std::to_string(key.batch), key.dtype, key.devices, key.conditions})
        text += separator + part;
    return sha256(text).substr(0, id_digits);
}

StoredProfiles::StoredProfiles(SQLite::Database& library, std::filesystem::path file)
    : library_(library)
    , file_(std::move(file))
{
}

std::vector<StoredProfile> StoredProfiles::all() const
{
    SQLite::Statement query(library_, R"(
        SELECT pair, batch, dtype, devices, conditions, measured,
            CASE WHEN json_valid(json) THEN coalesce(json_extract(json, '$.device'), '') ELSE '' END
        FROM profile ORDER BY pair, batch, dtype, devices, conditions)");
    std::vector<StoredProfile> profiles;
    while (query.executeStep()) {
        StoredProfile& found = profiles.emplace_back();
        found.key = {.pair = query.getColumn(0).getString(),
            .batch = query.getColumn(1).getInt(),
            .dtype = query.getColumn(2).getString(),
            .devices = query.getColumn(3).getString(),
            .conditions = query.getColumn(4).getString()};
        found.id = profile_id(found.key);
        found.measured = query.getColumn(5).getString();
        found.device = query.getColumn(6).getString();
    }
    return profiles;
}

StoredProfile StoredProfiles::find(const std::string& id) const
{
    std::vector<StoredProfile> profiles = all();
    const auto found
        = std::find_if(profiles.begin(), profiles.end(), [&](const StoredProfile& profile) { return profile.id == id; });
    if (found != profiles.end())
        return std::move(*found);
    std::vector<std::string> known;
    for (const StoredProfile& profile : profiles)
        known.push_back(profile.id);
    throw Error(Code::NotFound, "there is no profile " + in_quotes(id), file_.string(),
        known.empty() ? "there are no profiles yet" : "existing profiles: " + joined(known));
}

std::optional<schedule::Profile> StoredProfiles::read(const ProfileKey& key) const
{
    SQLite::Statement query(
        library_, "SELECT json FROM profile WHERE pair = ? AND batch = ? AND dtype = ? AND devices = ? AND conditions = ?");
    bind(query, key);
    if (!query.executeStep())
        return std::nullopt;
    return schedule::profile_from_json(query.getColumn(0).getString(), file_.string() + ", profile of " + key.pair);
}

void StoredProfiles::save(const ProfileKey& key, const schedule::Profile& profile)
{
    SQLite::Transaction transaction(library_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement replace(library_,
        "INSERT OR REPLACE INTO profile (pair, batch, dtype, devices, conditions, measured, json) VALUES (?, ?, ?, ?, ?, ?, ?)");
    bind(replace, key);
    replace.bind(6, utc_text());
    replace.bind(7, schedule::to_json(profile));
    replace.exec();
    transaction.commit();
}

void StoredProfiles::remove(const std::string& id)
{
    SQLite::Transaction transaction(library_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(
        library_, "DELETE FROM profile WHERE pair = ? AND batch = ? AND dtype = ? AND devices = ? AND conditions = ?");
    bind(statement, find(id).key);
    statement.exec();
    transaction.commit();
}

} // namespace pipebd::store
