// FairClock: a steady clock by which others are given time. It stands still while this process was kept from running: a machine
// that stood still, or had no processor to give, is not held against those who are watched.
#pragma once

#include <chrono>
#include <functional>

namespace pipebd {

class FairClock {
public:
    using Clock = std::chrono::steady_clock;

    explicit FairClock(std::function<Clock::time_point()> now = &Clock::now);

    /// To be called once a turn of a loop that asks to be woken after `turn` at the latest. What a turn took beyond that is not
    /// counted, if it is more than `unnoticed`.
    void turned(std::chrono::milliseconds turn);

    /// Of the steady clock, less all that was not counted.
    Clock::time_point now() const { return now_() - late_; }
    Clock::duration late() const { return late_; }

    static constexpr std::chrono::milliseconds unnoticed{100};

private:
    std::function<Clock::time_point()> now_;
    Clock::time_point turned_;
    Clock::duration late_{};
};

} // namespace pipebd
