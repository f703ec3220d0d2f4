// PurgedFolder: a run's folder on its way out. For this folder only.
//
// It is renamed before anything in it is removed, to a name that no lab lists, so that no half of a run is ever seen. What a
// process that was killed has left is swept by the next one that purges.
#pragma once

#include <filesystem>

namespace pipebd::store {

class PurgedFolder {
public:
    /// Renames the folder of run `id`. Throws Error{Locked} if another process supervises the run, Error{System} if it cannot be
    /// renamed; it is then as it was.
    PurgedFolder(const std::filesystem::path& run_folder, int id);

    /// Renames it back, unless it was removed.
    ~PurgedFolder();
    PurgedFolder(const PurgedFolder&) = delete;
    PurgedFolder& operator=(const PurgedFolder&) = delete;

    /// Throws Error{System} if some of it cannot be removed; it is never renamed back after that.
    void remove();

private:
    std::filesystem::path original_;
    std::filesystem::path folder_; // empty: it is being removed
};

/// Removes what is left of purged runs in the folder `runs`, as far as it can be removed.
void sweep_purged(const std::filesystem::path& runs);

} // namespace pipebd::store
