// Share: what one machine does of a prepared run over several: it starts and supervises its ranks, stage after stage, as its turn
// comes, and ends with the others.
//
// Main thread only (see Process).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace pipebd::launch {

struct Share {
    std::filesystem::path folder; // that was prepared; every machine sees it
    int machine = 0;
    std::string master; // an address of machine 0; not needed if there is one machine
    int port = 29500;
    std::chrono::seconds wait{900}; // for the launchers of the other machines
    const std::atomic<bool>* at_once = nullptr; // once set, what is cancelled is killed without any grace
};

struct ShareEnd {
    bool cancelled = false;
    std::optional<std::int64_t> saved; // if cancelled: the step of the checkpoint that ranks of this machine ended with
};

/// Runs the share to its end, or to where it is stopped: once `cancel` is set here or on another machine, the ranks of all machines
/// save what they have come to and end, within the grace of the experiment (run.stop_grace); what `at_once` is set on, or what has
/// nothing to save, ends at once, on all machines. What the ranks report is in rank-N.jsonl of the stage's folder, what they print
/// in machine-K.log. `note` is told what happens, a line each.
///
/// Throws Error{BadRequest} for a machine or an address that cannot be, Error{NotFound} if nothing is prepared, Error{TimedOut} if
/// another machine does not come or falls silent, and the Error of the rank that failed first, on whichever machine: its problem
/// begins with "machine K: ". No rank of this machine is left then.
ShareEnd run_share(const Share& share, const std::function<void(const std::string&)>& note, const std::atomic<bool>& cancel);

} // namespace pipebd::launch
