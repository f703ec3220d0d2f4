// Lab: the folder that holds everything the program keeps: library.sqlite, runs/ and pairs/.
//
// library.sqlite is written by several processes in short transactions (rollback journal). Each run has a folder and a database of
// its own, see run_store.h. Not thread-safe: give each thread its own.
#pragma once

#include "schedule/profile.h"
#include "store/annotation.h"
#include "store/run_record.h"
#include "store/stored_profile.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pipebd::store {

/// PIPEBD_LAB, else the XDG data folder: ${XDG_DATA_HOME:-~/.local/share}/pipebd.
std::filesystem::path default_lab();

/// A pair that was imported (docs/formats/pair.md).
struct StoredPair {
    std::string name; // as given; any text
    std::filesystem::path folder; // pairs/NNNN-name
    std::string imported; // ISO 8601, UTC
    std::string sha256; // of its pair.json, which names its models by theirs
};

/// A folder for a pair to be put together in. Nobody sees it, and it goes with this object unless it is kept; with its process at
/// the latest when the next one is made.
class PairDraft {
public:
    PairDraft(PairDraft&& other) noexcept;
    PairDraft& operator=(PairDraft&&) = delete;
    ~PairDraft();

    const std::filesystem::path& folder() const { return folder_; }

private:
    friend class StoredPairs;
    PairDraft(std::filesystem::path folder, int lock);

    std::filesystem::path folder_;
    int lock_ = -1;
};

class Lab {
public:
    enum class Mode {
        Make, // what is not there is made
        Existing, // Error{NotFound} if it is not there
        ExistingOrEmpty, // what is not there is a lab without anything, and is not made
    };

    /// Opens the lab. One that cannot be written is opened for reading, and what would change it is Error{System}. Throws
    /// Error{Newer}, {NotADatabase}, {Damaged}, {System}; files are left as they were.
    explicit Lab(std::filesystem::path folder, Mode mode = Mode::Make);
    ~Lab();
    Lab(Lab&&) noexcept;

    const std::filesystem::path& folder() const;
    /// False of one that is not there (Mode::ExistingOrEmpty), whatever has come of it since.
    bool exists() const;
    bool can_be_written() const;
    /// Throws Error{System}, with a way out, unless runs can be made in it and all else can be stored.
    void require_writable() const;

    /// Every run, newest first. A run that cannot be read has `state` Failed and says so in `error`: it never hides the others.
    /// A run that says it is queued or running but has no living supervisor is Lost (its lock, pid, start time and boot id are
    /// looked at; nobody is signalled), and that is recorded in the run if it ran on this host and its folder can be written.
    /// Softly deleted ones are among them. Sealed runs whose files have not changed are not read again by the same Lab.
    std::vector<RunRecord> runs() const;

    /// Throws Error{NotFound} that says which ids there are.
    RunRecord run(int id) const;

    /// Makes runs/NNNN-name with the next free id and returns id and folder. Two processes never get the same one.
    struct NewRun {
        int id = 0;
        std::filesystem::path folder;
    };
    NewRun new_run(const std::string& name);

    /// What was said of the runs that are there, by id; of a run that is not among them nothing was. No run's database is read.
    /// Where folders share a number, which happens by copying alone, it is said of the one that run() finds.
    std::map<int, Annotation> annotations() const;
    Annotation annotation(int id) const; // throws like run()

    /// Changes when another connection, of this or another process, has changed what annotations() gives (and at times when it has
    /// not): cheap to poll. Changes through this Lab do not count.
    std::int64_t annotations_version() const;

    /// Each is stored at once, whole. All throw like run(); tags that cannot be (check_tag) and a note that is not UTF-8 are
    /// Error{BadRequest}.
    void set_tags(int id, std::span<const std::string> tags);
    void change_tags(int id, std::span<const std::string> add, std::span<const std::string> remove); // in one step
    void set_note(int id, const std::string& note);

    /// Softly: the run's folder is not touched. Throws Error{BadRequest} while the run is queued or running. What is done already
    /// is left as it is.
    void delete_run(int id);
    void restore_run(int id);

    /// Removes the run's folder and all that was said of it, for good; its number is not given again. A crash leaves the run as it
    /// was, or gone. Throws Error{BadRequest} unless it is softly deleted, Error{Locked} if a process still supervises it.
    void purge_run(int id);

    void save_profile(const ProfileKey& key, const schedule::Profile& profile);
    std::optional<schedule::Profile> profile(const ProfileKey& key) const;

    /// The stored profiles, by pair, batch, dtype, devices and conditions.
    std::vector<StoredProfile> profiles() const;

    /// Throws Error{NotFound} that says which ids there are.
    StoredProfile profile_of_id(const std::string& id) const;

    /// Stores `profile`, measured elsewhere, as one of the device that it names, imported from `origin`; replaces what was imported
    /// from there before. It is never taken for one of devices of this computer.
    StoredProfile import_profile(const schedule::Profile& profile, const std::string& origin);

    /// Throws Error{NotFound} like profile_of_id().
    void delete_profile(const std::string& id);

    /// The imported pairs, by name.
    std::vector<StoredPair> pairs() const;
    std::optional<StoredPair> pair(const std::string& name) const;

    PairDraft draft_pair();

    /// Makes the draft, which has a pair.json, a pair of this lab: all of it or, whenever this process is killed, nothing. Throws
    /// Error{BadRequest} if there is one of this name.
    StoredPair keep_pair(const std::string& name, PairDraft draft);

    /// Throws Error{NotFound} that says which there are.
    void delete_pair(const std::string& name);

    /// integrity_check of library.sqlite: "ok", or what is wrong.
    std::string check() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// SQLite's version and source id, for `pipebd doctor`.
std::string sqlite_version();

} // namespace pipebd::store
