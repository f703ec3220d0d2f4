#include "store/lab.h"

#include "base/file.h"
#include "base/text.h"
#include "store/annotations.h"
#include "store/database.h"
#include "store/purged_folder.h"
#include "store/record_json.h"
#include "store/run_cache.h"
#include "store/run_folder.h"
#include "store/run_store.h"
#include "store/stored_pairs.h"
#include "store/stored_profiles.h"
#include "store/supervision.h"

#include <sqlite3.h>

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace pipebd::store {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> library_steps{R"(
        CREATE TABLE run (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            folder TEXT NOT NULL,
            name TEXT NOT NULL,
            created TEXT NOT NULL,
            creator TEXT NOT NULL
        ) STRICT;
        CREATE TABLE profile (
            pair TEXT NOT NULL,
            batch INTEGER NOT NULL,
            dtype TEXT NOT NULL,
            devices TEXT NOT NULL,
            conditions TEXT NOT NULL,
            measured TEXT NOT NULL,
            json TEXT NOT NULL,
            PRIMARY KEY (pair, batch, dtype, devices, conditions)
        ) STRICT;
    )",
    pair_table, annotation_tables};

const Format library_format{
    .name = "library of a lab", .application_id = 0x5042444c /* "PBDL" */, .steps = library_steps, .write_ahead_log = false};

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

fs::path home()
{
    if (const std::string home = environment("HOME"); !home.empty())
        return home;
    const passwd* user = getpwuid(getuid());
    return user && user->pw_dir ? user->pw_dir : "/";
}

Error not_a_folder(const fs::path& folder)
{
    return {Code::System, "this is not a folder", folder.string(), "name a folder for the lab"};
}

void make_folder(const fs::path& folder)
{
    std::error_code problem;
    if (fs::exists(folder, problem) && !fs::is_directory(folder, problem))
        throw not_a_folder(folder);
    if (fs::is_symlink(fs::symlink_status(folder, problem)) && fs::status(folder, problem).type() == fs::file_type::not_found)
        throw Error(Code::System, "this is a symbolic link to a folder that does not exist", folder.string(), "create that folder");
    fs::create_directories(folder, problem);
    if (problem)
        throw system_error("cannot create the folder", folder.string(), problem.value());
}

/// Which runs there are that `id` may have been meant for.
std::string nearest_text(int id, std::vector<int> others)
{
    constexpr std::size_t most = 5;
    if (others.empty())
        return "there are no runs yet";
    const bool all = others.size() <= most;
    std::stable_sort(others.begin(), others.end(), [id](int a, int b) { return std::abs(a - id) < std::abs(b - id); });
    others.resize(std::min(most, others.size()));
    std::sort(others.begin(), others.end());
    std::string text;
    for (int other : others)
        text += (text.empty() ? "" : ", ") + std::to_string(other);
    return all ? "existing runs: " + text : "the nearest are " + text + "; `pipebd runs list` shows all";
}

Error no_lab(const fs::path& folder)
{
    return {Code::NotFound, "there is no lab", folder.string(), "check the path; `pipebd run` creates a lab where none exists"};
}

/// SQLite needs the folder as well, for its journal.
bool is_writable(const fs::path& folder, const fs::path& file)
{
    return access(folder.c_str(), W_OK) == 0 && access(file.c_str(), W_OK) == 0;
}

struct OpenedLibrary {
    SQLite::Database database;
    bool exists = true;
    bool writable = true;
};

OpenedLibrary open_library(const fs::path& folder, Lab::Mode mode)
{
    const fs::path file = folder / "library.sqlite";
    if (mode == Lab::Mode::Make)
        make_folder(folder);
    if (fs::exists(folder) && !fs::is_directory(folder))
        throw not_a_folder(folder);
    if (!fs::exists(file)) {
        const bool has_runs = fs::is_directory(folder / "runs"); // copied here, say; whoever may write makes a library for them
        if (mode == Lab::Mode::Existing && !has_runs)
            throw no_lab(folder);
        if (mode != Lab::Mode::Make && (!has_runs || access(folder.c_str(), W_OK) != 0))
            return {database_in_memory(library_format), has_runs, false};
        create_database(file, library_format);
    }
    if (is_writable(folder, file))
        return {open_database(file, library_format, Access::ReadWrite)};
    SQLite::Database database = open_database(file, library_format, Access::ReadOnly);
    if (const int version = database.execAndGet("PRAGMA user_version").getInt(); version < library_format.version())
        throw Error(Code::System, "this lab was made by an earlier version and can only be upgraded with write permission",
            folder.string(), "copy it to a folder that you can write to");
    return {std::move(database), true, false};
}

/// By number, the greatest first.
std::vector<fs::path> run_folders(const fs::path& runs)
{
    std::vector<std::pair<int, fs::path>> found;
    std::error_code problem;
    if (!fs::exists(runs, problem))
        return {};
    for (fs::directory_iterator entry(runs, problem), end; !problem && entry != end; entry.increment(problem)) {
        std::error_code none;
        if (const int id = run_folder_from_path(entry->path()).id; id > 0 && entry->is_directory(none))
            found.emplace_back(-id, entry->path());
    }
    if (problem)
        throw system_error("cannot list the runs", runs.string(), problem.value());
    std::sort(found.begin(), found.end());
    std::vector<fs::path> folders;
    for (auto& [order, folder] : found)
        folders.push_back(std::move(folder));
    return folders;
}

} // namespace

struct Lab::Impl {
    Impl(fs::path path, Mode mode)
        : Impl(path, open_library(path, mode), mode)
    {
    }

    Impl(fs::path path, OpenedLibrary opened, Mode mode)
        : folder(std::move(path))
        , runs(folder / "runs")
        , library_file(folder / "library.sqlite")
        , exists(opened.exists)
        , writable(opened.writable)
        , library(std::move(opened.database))
        , pairs(library, folder / "pairs")
        , profiles(library, library_file)
        , annotations(library)
    {
        if (writable && mode == Mode::Make)
            make_folder(runs);
    }

    /// What the library knows of a run that has stored nothing itself: its name as given, when and by whom it was made.
    RunRecord announced(const fs::path& run_folder)
    {
        const RunFolder named = run_folder_from_path(run_folder);
        RunRecord record;
        record.id = named.id;
        record.name = named.name;
        record.folder = run_folder;
        guarded(library_file, [&] {
            SQLite::Statement query(library, "SELECT name, created, creator FROM run WHERE id = ? AND folder = ?");
            query.bind(1, named.id);
            query.bind(2, run_folder.filename().string());
            if (query.executeStep()) {
                record.name = query.getColumn(0).getString();
                record.created = query.getColumn(1).getString();
                record.supervisor = identity_from_json(query.getColumn(2).getString(), library_file.string());
            }
        });
        return record;
    }

    RunRecord read(const fs::path& run_folder)
    {
        try {
            return cache.record(run_folder, [&] { return supervised_record(run_folder, [&] { return announced(run_folder); }); });
        } catch (const Error& error) {
            const RunFolder named = run_folder_from_path(run_folder);
            RunRecord record;
            record.id = named.id;
            record.name = named.name;
            record.folder = run_folder;
            record.state = RunState::Failed;
            const bool damaged = error.code() == Code::Damaged || error.code() == Code::NotADatabase;
            record.error = damaged
                ? Error(error.code(), "the run is damaged: " + error.problem(), error.where(), error.remedy()).what()
                : error.what();
            return record;
        }
    }

    int next_id()
    {
        const std::int64_t given
            = library.execAndGet("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run'").getInt64();
        const std::vector<fs::path> there = run_folders(runs);
        return std::max(static_cast<int>(given), there.empty() ? 0 : run_folder_from_path(there.front()).id) + 1;
    }

    fs::path folder_of(int id)
    {
        std::vector<int> others;
        for (const fs::path& run_folder : run_folders(runs)) {
            const int found = run_folder_from_path(run_folder).id;
            if (found == id)
                return run_folder;
            others.push_back(found);
        }
        throw Error(Code::NotFound, "there is no run " + std::to_string(id), runs.string(), nearest_text(id, std::move(others)));
    }

    /// Drops what the library knows of a run, so that its number is not given again.
    void forget(int id)
    {
        SQLite::Statement insert(
            library, "INSERT OR IGNORE INTO run (id, folder, name, created, creator) VALUES (?, '', '', '', '')");
        insert.bind(1, id); // one that was copied here has no row, and thus has not moved on the sequence
        insert.exec();
        SQLite::Statement remove(library, "DELETE FROM run WHERE id = ?");
        remove.bind(1, id);
        remove.exec();
    }

    /// One transaction; `body` is given the name of the run's folder.
    template <typename Body>
    void annotate(int id, Body&& body)
    {
        guarded(library_file, [&] {
            SQLite::Transaction transaction(library, SQLite::TransactionBehavior::IMMEDIATE);
            body(folder_of(id).filename().string());
            transaction.commit();
        });
    }

    fs::path folder;
    fs::path runs;
    fs::path library_file;
    bool exists;
    bool writable;
    SQLite::Database library;
    StoredPairs pairs;
    StoredProfiles profiles;
    Annotations annotations;
    RunCache cache;
};

fs::path default_lab()
{
    if (const std::string named = environment("PIPEBD_LAB"); !named.empty())
        return named;
    const fs::path data = environment("XDG_DATA_HOME");
    return (data.is_absolute() ? data : home() / ".local" / "share") / "pipebd"; // relative ones are to be ignored, says XDG
}

Lab::Lab(fs::path folder, Mode mode)
{
    const fs::path absolute = fs::absolute(folder);
    impl_ = guarded(absolute / "library.sqlite", [&] { return std::make_unique<Impl>(absolute, mode); });
}

Lab::~Lab() = default;
Lab::Lab(Lab&&) noexcept = default;

const fs::path& Lab::folder() const
{
    return impl_->folder;
}

bool Lab::exists() const
{
    return impl_->exists;
}

bool Lab::can_be_written() const
{
    return impl_->writable;
}

void Lab::require_writable() const
{
    for (const fs::path& folder : {impl_->folder, impl_->runs})
        if (!impl_->writable || access(folder.c_str(), W_OK | X_OK) != 0)
            throw Error(Code::System, "the lab cannot be written, and results are kept there", folder.string(),
                "name another one with --lab, or copy it to a folder that you can write");
}

std::vector<RunRecord> Lab::runs() const
{
    std::vector<RunRecord> records;
    const std::vector<fs::path> folders = run_folders(impl_->runs);
    impl_->cache.keep_only(folders);
    for (const fs::path& folder : folders)
        records.push_back(impl_->read(folder));
    return records;
}

RunRecord Lab::run(int id) const
{
    return impl_->read(impl_->folder_of(id));
}

Lab::NewRun Lab::new_run(const std::string& name)
{
    return guarded(impl_->library_file, [&] {
        SQLite::Transaction transaction(impl_->library, SQLite::TransactionBehavior::IMMEDIATE);
        NewRun made;
        made.id = impl_->next_id();
        made.folder = impl_->runs / run_folder_name(made.id, name);
        SQLite::Statement insert(impl_->library, "INSERT INTO run (id, folder, name, created, creator) VALUES (?, ?, ?, ?, ?)");
        insert.bind(1, made.id);
        insert.bind(2, made.folder.filename().string());
        insert.bind(3, name);
        insert.bind(4, utc_text());
        insert.bind(5, to_json(this_process()));
        insert.exec();
        transaction.commit();
        // The folder comes last: whoever lists it must be able to tell by the library that its maker lives, or records it as lost.
        std::error_code problem;
        if (!fs::create_directory(made.folder, problem))
            throw system_error("cannot create the run's folder", made.folder.string(), problem ? problem.value() : EEXIST);
        sync_folder(impl_->runs);
        return made;
    });
}

std::map<int, Annotation> Lab::annotations() const
{
    return guarded(impl_->library_file, [&] {
        SQLite::Transaction snapshot(impl_->library); // so that tags are of the rows that were read
        return impl_->annotations.all(impl_->runs);
    });
}

Annotation Lab::annotation(int id) const
{
    return guarded(impl_->library_file, [&] {
        SQLite::Transaction snapshot(impl_->library);
        return impl_->annotations.of(id, impl_->folder_of(id).filename().string());
    });
}

std::int64_t Lab::annotations_version() const
{
    return guarded(impl_->library_file, [&] { return impl_->library.execAndGet("PRAGMA data_version").getInt64(); });
}

void Lab::set_tags(int id, std::span<const std::string> tags)
{
    for (const std::string& tag : tags)
        check_tag(tag);
    impl_->annotate(id, [&](const std::string& folder) { impl_->annotations.set_tags(id, folder, tags); });
}

void Lab::change_tags(int id, std::span<const std::string> add, std::span<const std::string> remove)
{
    for (const std::string& tag : add)
        check_tag(tag);
    impl_->annotate(id, [&](const std::string& folder) {
        std::vector<std::string> tags = impl_->annotations.of(id, folder).tags;
        tags.insert(tags.end(), add.begin(), add.end());
        std::erase_if(tags, [&](const std::string& tag) { return std::find(remove.begin(), remove.end(), tag) != remove.end(); });
        impl_->annotations.set_tags(id, folder, tags);
    });
}

void Lab::set_note(int id, const std::string& note)
{
    if (!is_utf8(note))
        throw Error(Code::BadRequest, "the note is not UTF-8", in_quotes(note), "write it in UTF-8");
    impl_->annotate(id, [&](const std::string& folder) { impl_->annotations.set_note(id, folder, note); });
}

void Lab::delete_run(int id)
{
    const RunRecord record = run(id);
    if (!is_final(record.state))
        throw Error(Code::BadRequest, "the run is " + std::string(to_string(record.state)), "run " + std::to_string(id),
            "stop it first: pipebd runs stop " + std::to_string(id));
    impl_->annotate(id, [&](const std::string& folder) {
        if (impl_->annotations.of(id, folder).deleted.empty())
            impl_->annotations.set_deleted(id, folder, utc_text());
    });
}

void Lab::restore_run(int id)
{
    impl_->annotate(id, [&](const std::string& folder) { impl_->annotations.set_deleted(id, folder, {}); });
}

void Lab::purge_run(int id)
{
    sweep_purged(impl_->runs);
    std::optional<PurgedFolder> purged;
    impl_->annotate(id, [&](const std::string& folder) {
        if (impl_->annotations.of(id, folder).deleted.empty())
            throw Error(Code::BadRequest, "the run is not deleted", "run " + std::to_string(id),
                "delete it first: pipebd runs delete " + std::to_string(id));
        impl_->annotations.remove(id);
        impl_->forget(id);
        purged.emplace(impl_->runs / folder, id);
    });
    purged->remove();
}

void Lab::save_profile(const ProfileKey& key, const schedule::Profile& profile)
{
    guarded(impl_->library_file, [&] { impl_->profiles.save(key, profile); });
}

std::optional<schedule::Profile> Lab::profile(const ProfileKey& key) const
{
    return guarded(impl_->library_file, [&] { return impl_->profiles.read(key); });
}

std::vector<StoredProfile> Lab::profiles() const
{
    return guarded(impl_->library_file, [&] { return impl_->profiles.all(); });
}

StoredProfile Lab::profile_of_id(const std::string& id) const
{
    return guarded(impl_->library_file, [&] { return impl_->profiles.find(id); });
}

StoredProfile Lab::import_profile(const schedule::Profile& profile, const std::string& origin)
{
    const ProfileKey key{.pair = profile.pair,
        .batch = profile.batch,
        .dtype = profile.dtype,
        .devices = profile.device,
        .conditions = std::string(StoredProfile::imported_from) + origin};
    save_profile(key, profile);
    return profile_of_id(profile_id(key));
}

void Lab::delete_profile(const std::string& id)
{
    guarded(impl_->library_file, [&] { impl_->profiles.remove(id); });
}

std::vector<StoredPair> Lab::pairs() const
{
    return guarded(impl_->library_file, [&] { return impl_->pairs.all(); });
}

std::optional<StoredPair> Lab::pair(const std::string& name) const
{
    return guarded(impl_->library_file, [&] { return impl_->pairs.find(name); });
}

PairDraft Lab::draft_pair()
{
    return guarded(impl_->folder / "pairs", [&] { return impl_->pairs.draft(); });
}

StoredPair Lab::keep_pair(const std::string& name, PairDraft draft)
{
    return guarded(impl_->library_file, [&] { return impl_->pairs.keep(name, std::move(draft)); });
}

void Lab::delete_pair(const std::string& name)
{
    guarded(impl_->library_file, [&] { impl_->pairs.remove(name); });
}

std::string Lab::check() const
{
    return guarded(impl_->library_file, [&] { return integrity(impl_->library); });
}

std::string sqlite_version()
{
    return std::string(sqlite3_libversion()) + " " + sqlite3_sourceid();
}

} // namespace pipebd::store
