// ReportedSteps: which steps a rank reports, with their losses, where it makes more of them than are worth keeping.
//
// The first 20,000 lines are all reported. Beyond them, a rank that writes more than 2,000 a second leaves out steps evenly: it
// reports every second, fourth, eighth, ... of each phase, so that ranks of different speed report some in common. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pipebd::engine {

class ReportedSteps {
public:
    /// Whether `step` is one of them, beside the first and the last of a phase.
    bool contains(std::int64_t step) const { return step % stride_ == 0; }

    std::int64_t stride() const { return stride_; }

    /// So many lines more have been written by `now`, ms.
    void wrote(int lines, double now)
    {
        if (lines_ < all_reported) {
            lines_ += lines;
            since_ = now;
            return;
        }
        lines_in_window_ += lines;
        const double allowed = lines_a_ms * std::max(now - since_, window / 10);
        const bool too_fast = lines_in_window_ > 2 * lines_a_ms * window;
        if (now - since_ < window && !too_fast)
            return;
        if (lines_in_window_ > allowed && stride_ < longest_stride)
            stride_ *= 2;
        else if (lines_in_window_ * 4 < allowed && stride_ > 1)
            stride_ /= 2;
        since_ = now;
        lines_in_window_ = 0;
    }

private:
    static constexpr std::int64_t all_reported = 20'000;
    static constexpr std::int64_t longest_stride = 1 << 20;
    static constexpr double lines_a_ms = 2;
    static constexpr double window = 100; // ms

    std::int64_t stride_ = 1;
    std::int64_t lines_ = 0; // up to all_reported
    double lines_in_window_ = 0;
    double since_ = 0; // ms
};

} // namespace pipebd::engine
