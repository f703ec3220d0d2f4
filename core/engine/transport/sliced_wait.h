// Waiting in slices: so that a rank that waits for others says so all along, and may be told to give up. No time stands here after
// which it would: who follows the ranks decides.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <string>

namespace pipebd::engine {

/// Called between slices with what is waited for. What it throws ends the waiting.
using Waiting = std::function<void(const std::string& doing)>;

/// How often a rank that waits says so.
inline constexpr std::chrono::milliseconds waiting_interval{250};

/// Returns once `is_done(slice)` has, which waits for `slice` at most and says whether that was enough. Throws what it throws.
template <typename IsDone>
void wait_in_slices(
    const std::string& doing, const Waiting& waiting, IsDone is_done, std::chrono::milliseconds slice = waiting_interval)
{
    while (!is_done(slice)) {
        if (waiting)
            waiting(doing);
    }
}

/// Whether `work`, a c10d collective, is done within `slice`: whatever the wait itself said, what has come to its end without an
/// exception is done. Throws what the work failed by. Not for a send or a receive of Gloo, which does not outlive such a wait.
template <typename Work>
bool is_done_within(Work& work, std::chrono::milliseconds slice)
{
    try {
        work.wait(slice);
        return true;
    } catch (...) {
        // Either the slice is over, and the work may have been done since, or the work has failed.
        if (!work.isCompleted())
            return false;
        if (const std::exception_ptr failure = work.exception())
            std::rethrow_exception(failure);
        return true;
    }
}

} // namespace pipebd::engine
