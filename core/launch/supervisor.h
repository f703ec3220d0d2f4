// Supervisor: starts the ranks of a job, follows what they report, stops and reaps them.
//
// One thread, the main one. It always reads, so that no rank ever waits on a full pipe; lines are limited in length and number. If
// one rank ends before its work is done, all others are stopped (TERM, then KILL): the earliest failure is the cause.
//
// A limit counts only time in which a rank could have got on: not that in which this process was kept from running itself, nor that
// in which the rank had no processor or waited for a disk, of which the user is warned once. docs/limits.md lists all limits.
#pragma once

#include "base/error.h"
#include "experiment/metrics.h"
#include "launch/process.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::launch {

/// pipebd-engine: PIPEBD_ENGINE if set, else beside this program, else in PATH. Throws Error{NotFound}.
std::filesystem::path engine_program();

/// What to do about an engine that does not understand, or is not understood.
inline constexpr const char* mend_engine = "build pipebd and pipebd-engine together";

struct Job {
    std::filesystem::path engine;
    std::vector<std::string> arguments; // "train", "--spec", FILE
    int ranks = 1;
    struct Elsewhere { // the job is one machine's part of a run over several
        int first_rank = 0; // of those here
        int world_size = 1;
        std::string master; // address and port at which all ranks meet; rank 0 listens there
        int port = 0;
    };
    std::optional<Elsewhere> elsewhere; // ranks judge for themselves then how long they wait for those of other machines
    bool question = false; // one process that answers and ends: nobody to meet, and exit code 0 stands for its bye
    std::vector<int> threads; // by rank; one each for those left out
    std::chrono::steady_clock::time_point zero = {}; // of the times in metrics; default: when run() is called
    std::chrono::milliseconds heartbeat_limit{10'000}; // no line of any kind from a rank for so long: TimedOut
    std::chrono::milliseconds start_limit{180'000}; // the same before all have said hello
    std::chrono::milliseconds stall_limit{60'000}; // in which every rank says that it only waits for others: TimedOut
    std::optional<std::chrono::milliseconds> time_limit; // of the whole job
    std::optional<Limits> limits; // of each process
    std::chrono::milliseconds failure_grace{1'000}; // from TERM to KILL once a rank has failed
    std::chrono::milliseconds cancel_grace{2'000}; // from TERM to KILL when cancelled with nothing to keep
    std::chrono::milliseconds stop_grace{0}; // the same while every rank trains and saves before it ends
    const std::atomic<bool>* at_once = nullptr; // once set, what is cancelled is killed without any grace
    std::size_t line_limit = 1 << 20; // bytes; a longer line is an Error{Protocol}
    int lines_per_second = 50'000; // of one rank; more are an Error{Protocol}
};

/// What became of a job.
struct Outcome {
    enum class Kind { Finished, Failed, Cancelled };
    Kind kind = Kind::Finished;
    int culprit = -1; // rank, if failed
    std::optional<Error> error; // if failed; if cancelled: why what it had come to could not be saved
    std::vector<std::string> last_lines; // of the culprit's standard error
    bool may_be_consequence = false; // if failed: what the culprit said is what a rank says whose peer has vanished
    std::vector<std::string> consequences; // what the other ranks said, one line each
};

/// What a job tells while it runs; all called on the thread that called run(). What they throw ends the job: every rank is killed.
struct Listener {
    std::function<void(const experiment::Metric&)> metric; // `rank` is the rank it came from
    std::function<void(int rank, const std::string& line)> log; // standard error, line by line
    std::function<void()> tick; // at least 5 times a second: store, draw
};

/// Runs `job` to its end: until every rank has said bye and ended. `cancel` set (by a signal handler, say) stops it: Outcome
/// Cancelled within 3 s, or, while ranks train and a `stop_grace` is given, once they have saved what they have come to. A rank
/// that says by itself that it stops has been told to by somebody else, and stops the others likewise. A rank that ends without a
/// bye, says `error`, prints what is no metric or falls silent makes it Failed, within 2 s of that. The culprit is the rank that
/// failed first, but a rank that only saw a peer vanish yields to the peer, and one that waits for others to one that stands still.
/// Throws only if the ranks cannot be started at all.
Outcome run(const Job& job, const Listener& listener, const std::atomic<bool>& cancel);

} // namespace pipebd::launch
