// Silence: for how long a rank has said nothing, and how much of that time it could have said something in.
//
// A rank that is runnable but gets no processor starves, one that the kernel keeps waiting for a disk is blocked: neither hangs.
// The kernel is asked only once a silence has lasted for a while. One thread.
#pragma once

#include "base/fair_clock.h"
#include "launch/accounting.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace pipebd::launch {

class Silence {
public:
    using Duration = FairClock::Clock::duration;

    /// From now on, by `clock`, which outlives it. `account` asks the kernel.
    Silence(const FairClock& clock, std::function<ProcessAccount()> account);

    /// It has said something: the silence begins anew.
    void broken();

    /// To be called several times a second. Asks the kernel if the silence has lasted for `patience`.
    void look(Duration patience);

    Duration lasted() const { return clock_.now() - since_; }
    Duration starved() const { return most(starved_); } // of the thread that starved most
    Duration blocked() const { return most(blocked_); }
    /// What counts against the rank.
    Duration counted() const { return lasted() - std::min(lasted(), std::max(starved(), blocked())); }

    /// When the kernel was last asked, every thread was stopped, as by SIGSTOP or a debugger.
    bool is_stopped() const;

    /// How the rank has spent the silence, as far as that explains it: " (stopped ...)"; empty if there is nothing to say.
    std::string explanation() const;

private:
    using ByThread = std::map<int, Duration>;
    static Duration most(const ByThread& times);
    void account_for(const ProcessAccount& now, Duration passed);

    const FairClock& clock_;
    std::function<ProcessAccount()> account_;
    FairClock::Clock::time_point since_;
    FairClock::Clock::time_point looked_;
    ProcessAccount last_; // empty: not asked in this silence
    ByThread starved_;
    ByThread blocked_;
};

/// "9.2", of a time in seconds.
std::string in_seconds(Silence::Duration time);

} // namespace pipebd::launch
