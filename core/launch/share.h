// Share: what one machine does of a prepared run over several: it starts and supervises its ranks, stage after stage, as its turn
// comes, and ends with the others.
//
// Main thread only (see Process).
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
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

/// Runs the share to its end. What the ranks report is in rank-N.jsonl of the stage's folder, what they print in machine-K.log.
/// `note` is told what happens, a line each. False if `cancel` was set.
///
/// Throws Error{BadRequest} for a machine or an address that cannot be, Error{NotFound} if nothing is prepared, Error{TimedOut} if
/// another machine does not come or falls silent, and the Error of the rank that failed first, on whichever machine: its problem
/// begins with "machine K: ". No rank of this machine is left then.
bool run_share(const Share& share, const std::function<void(const std::string&)>& note, const std::atomic<bool>& cancel);

} // namespace pipebd::launch
