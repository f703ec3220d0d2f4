// Lab: the folder that holds everything the program keeps: library.sqlite and runs/.
//
// library.sqlite is written by several processes in short transactions (rollback journal). Each run has a folder and a database of
// its own, see run_store.h. Not thread-safe: give each thread its own.
#pragma once

#include "schedule/profile.h"
#include "store/run_record.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::store {

/// PIPEBD_LAB, else the XDG data folder: ${XDG_DATA_HOME:-~/.local/share}/pipebd.
std::filesystem::path default_lab();

/// What a stored profile was measured for; equal keys replace each other.
struct ProfileKey {
    std::string pair;
    int batch = 0;
    std::string dtype;
    std::string devices; // "cpu,cpu"
    std::string conditions = {}; // what else it depends on, in words: optimizer, batch norm, machine
};

class Lab {
public:
    /// Opens the lab, and makes it if it is not there. Throws Error{Newer}, {NotADatabase}, {Damaged}, {System}; files are left as
    /// they were.
    explicit Lab(std::filesystem::path folder);
    ~Lab();
    Lab(Lab&&) noexcept;

    const std::filesystem::path& folder() const;

    /// Every run, newest first. A run that cannot be read has `state` Failed and says so in `error`: it never hides the others.
    /// A run that says it is queued or running but has no living supervisor is Lost (its lock, pid, start time and boot id are
    /// looked at; nobody is signalled), and that is recorded in the run if it ran on this host and its folder can be written.
    std::vector<RunRecord> runs() const;

    /// Throws Error{NotFound} that says which ids there are.
    RunRecord run(int id) const;

    /// Makes runs/NNNN-name with the next free id and returns id and folder. Two processes never get the same one.
    struct NewRun {
        int id = 0;
        std::filesystem::path folder;
    };
    NewRun new_run(const std::string& name);

    void save_profile(const ProfileKey& key, const schedule::Profile& profile);
    std::optional<schedule::Profile> profile(const ProfileKey& key) const;

    /// integrity_check of library.sqlite: "ok", or what is wrong.
    std::string check() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// SQLite's version and source id, for `pipebd doctor`.
std::string sqlite_version();

} // namespace pipebd::store
