// Checkpointer: the checkpoints of a run as its ranks save them together.
#pragma once

#include "engine/report/reporter.h"
#include "engine/training/executor.h"
#include "engine/training/models.h"
#include "engine/transport/transport.h"
#include "experiment/run_spec.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>

namespace pipebd::engine {

/// Each rank writes the blocks that it answers for; once all have written theirs, rank 0 makes the checkpoint of them.
class Checkpointer {
public:
    struct Parts {
        const experiment::RunSpec& spec;
        const Models& models;
        Executor& executor;
        Transport& transport;
        Reporter& reporter;
    };

    struct Saved {
        std::filesystem::path folder; // on rank 0; empty if nothing was saved
        bool stops = false; // a rank said that the run stops: every one has saved what it has, and takes no further step
    };

    explicit Checkpointer(const Parts& parts);

    /// Collective: every rank comes here after the round of a scheduled checkpoint, or, if the run `stops`, after its last one. If
    /// that is so on any of them, each saves what it has come to, whichever round that is: then the checkpoint is called after the
    /// least of them, or after the one past the checkpoint before, and none is made if all are where that one was made.
    /// If it cannot be saved, every rank throws the same Error, which names the ranks that failed; nothing is left of it then, and
    /// older checkpoints are as they were. `may_fail`: unless the run stops, that is only said where the experiment wants it so.
    Saved save(std::int64_t round, bool stops, bool may_fail);

    /// Collective, among the calls of save(): gives every rank the `figure` of rank 0. Nothing is saved, unless the run stops on
    /// any rank; then as in save().
    Saved agree(std::int64_t round, bool stops, double& figure);

    /// Of the newest checkpoint that was saved; -1: none was.
    std::int64_t newest() const { return last_; }

    /// Once a run has stopped: no rank takes down what others still need.
    void leave_together();

private:
    struct Met { // what all ranks have said
        std::int64_t least = 0; // round
        std::int64_t most = 0;
        bool stops = false;
        double figure = 0; // of rank 0
    };
    Met meet(std::int64_t round, bool stops, double figure);
    Saved save_stopped(const Met& met);
    std::filesystem::path save_together(std::int64_t round);
    void write(const std::filesystem::path& folder, int block, std::int64_t round);
    void together(std::int64_t round, const std::filesystem::path& folder, const std::function<void()>& part);
    void say(const std::string& warning);

    Parts parts_;
    std::map<int, int> owner_; // by block
    std::map<int, double> losses_; // of the blocks that this rank writes
    std::int64_t last_ = -1;
};

} // namespace pipebd::engine
