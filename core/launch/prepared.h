// Prepared: the trainings of an experiment as they lie in a folder that several machines share (docs/formats/prepared.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::launch {

struct PreparedStage {
    std::string stage; // "teacher", "distil", "finetune"
    std::string folder; // relative to the prepared folder; "." if there is one stage only
    std::vector<int> ranks; // by machine, how many of the stage's ranks run there; ranks are numbered machine after machine

    int first_rank_of(int machine) const;
    int world_size() const;
};

struct Prepared {
    std::vector<PreparedStage> stages; // in the order in which they are run

    int machines() const; // at least one
};

/// How `ranks` are spread over `machines`, `per_machine` on each but the last of them.
std::vector<int> spread(int ranks, int per_machine, int machines);

/// Whether something has been prepared there.
bool is_prepared(const std::filesystem::path& folder);

/// Writes prepared.json. Throws Error{DiskFull}, {System}.
void write_prepared(const Prepared& prepared, const std::filesystem::path& folder);

/// Throws Error{NotFound} if there is none, Error{Damaged} or {Newer} for one that cannot be read.
Prepared read_prepared(const std::filesystem::path& folder);

} // namespace pipebd::launch
