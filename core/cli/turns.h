// Turns: trainings one after another that nobody is to find among their own runs, and how far they have come.
#pragma once

#include "cli/progress_line.h"
#include "cli/scratch_runs.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pipebd::cli {

inline constexpr std::int64_t most_steps_of_a_turn = 1'000'000;

class Turns {
public:
    /// So many of them, for `command`, as in "pipebd verify".
    Turns(const Context& context, const std::string& command, std::size_t count);

    /// Trains as ScratchRuns::train() does, and shows what is being done, how much of all turns is done, and how long the rest will
    /// take once a turn has been taken.
    store::RunRecord take(
        const launch::TrainingRequest& request, const schedule::PlannedStrategy& planned, const std::string& doing);

    ProgressLine& line() { return line_; }

private:
    std::string time_left(double share) const;

    double count_;
    double taken_ = 0;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    ProgressLine line_;
    ScratchRuns scratch_;
};

} // namespace pipebd::cli
