// RunDates: the dates of a run: the time of day when it began, and from there by a clock that does not jump and goes on while the
// computer sleeps. So a run lasts as long as it lasted, and never ends before it started, whatever is done to the computer's clock.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace pipebd::launch {

/// CLOCK_BOOTTIME.
std::chrono::nanoseconds time_since_boot();

class RunDates {
public:
    /// From now on. `passing` is such a clock.
    explicit RunDates(std::function<std::chrono::nanoseconds()> passing = &time_since_boot,
        std::chrono::system_clock::time_point begin = std::chrono::system_clock::now());

    /// ISO 8601, in UTC.
    std::string now() const;

private:
    std::function<std::chrono::nanoseconds()> passing_;
    std::chrono::system_clock::time_point begin_;
    std::chrono::nanoseconds passed_;
};

} // namespace pipebd::launch
