// Patience: for how long the ranks of a job may be waited for, by the job's limits, and which of them fails when that is over.
//
// No limit ends a run in which a rank works. One thread, the supervisor's.
#pragma once

#include "base/fair_clock.h"
#include "launch/followed_rank.h"
#include "launch/supervisor.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace pipebd::launch {

class Patience {
public:
    /// Of `ranks`, by `clock`, from now on. All three outlive it.
    Patience(const Job& job, const std::vector<std::unique_ptr<FollowedRank>>& ranks, const FairClock& clock);

    /// To be called in every turn, once what there was to read has been read: fails a rank that is over its limit, and warns
    /// `listener`, once, of one that only lacks a processor or a disk. `zero` is that of the times in metrics.
    void check(const Listener& listener, Clock::time_point zero);

private:
    bool have_joined();
    void check_silence(std::chrono::milliseconds limit, const std::string& what, const Listener& listener, Clock::time_point zero);
    void check_stall();
    void end_those_that_are_done();
    FollowedRank* stillest(std::chrono::milliseconds limit, const Listener& listener, Clock::time_point zero);
    void warn_of_starving(
        const FollowedRank& rank, std::chrono::milliseconds limit, const Listener& listener, Clock::time_point zero);

    const Job& job_;
    const std::vector<std::unique_ptr<FollowedRank>>& ranks_;
    const FairClock& clock_;
    Clock::time_point began_;
    Clock::time_point last_work_; // when a rank was last seen that did not only wait
    bool joined_ = false; // every rank has said hello
    bool warned_ = false;
};

} // namespace pipebd::launch
