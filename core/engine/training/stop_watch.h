// StopWatch: hears that the run is to stop, by a signal or from another rank, and tells the interpreter at the end of which round.
//
// SIGTERM and SIGINT are taken by a thread of its own, so no system call of any library is interrupted by them. Outside of training
// they end the process as they would without it: there is nothing to keep that is not kept already. From begin() to end() they ask
// for a gentle stop; a second one changes nothing. Each rank looks about once a second for a stop that only others have been told
// of.
#pragma once

#include "base/error.h"
#include "engine/report/reporter.h"
#include "engine/training/stop_agreement.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace pipebd::engine {

class StopWatch {
public:
    /// Blocks the two signals in this thread, and so in all that it starts from here on. One a process, made before any library can
    /// have started threads.
    explicit StopWatch(Reporter& reporter);
    ~StopWatch();
    StopWatch(const StopWatch&) = delete;

    /// Training begins. `board` stays until end(). Says `doing` training, and once it is known when the run stops, `doing`
    /// stopping.
    void begin(Board& board, StopAgreement agreement);

    /// Whether a stop has been asked for, as far as is known here.
    bool is_asked() const { return asked_; }

    /// For the interpreter, at the end of `round`: whether training stops there. If a stop has been asked for, waits until all
    /// ranks that this one exchanges anything with have announced their rounds, and calls `waiting` a few times a second meanwhile.
    /// Throws what the board threw if it is gone by then.
    bool stops_after(std::int64_t round, const std::function<void()>& waiting);

    /// Training is over. Returns whether a stop had been asked for before.
    bool end();

private:
    void run();
    void look();
    bool learn();
    void say(const std::string& doing, std::int64_t round);

    Reporter& reporter_;
    std::mutex looking_; // held while the board is asked; taken before the other one
    std::mutex mutex_; // of what follows, for moments only
    std::condition_variable changed_;
    Board* board_ = nullptr; // while training
    std::optional<StopAgreement> agreement_;
    std::optional<Error> error_; // of the board
    std::atomic<bool> asked_ = false;
    std::atomic<bool> settled_ = false; // it is known when the run stops, or that nobody will tell
    std::atomic<bool> closing_ = false;
    std::thread thread_;
};

} // namespace pipebd::engine
