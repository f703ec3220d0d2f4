// ProgressLine: how far something has come, on standard error: one line that is drawn anew on a terminal, now and then a line
// elsewhere. For programs: {"progress":0.35,"doing":"..."} and {"note":"..."}, an object a line.
#pragma once

#include "cli/context.h"

#include <chrono>
#include <string>

namespace pipebd::cli {

class ProgressLine {
public:
    explicit ProgressLine(ProgressStyle style);
    ~ProgressLine(); // clears

    /// `fraction` from 0 to 1; `text` in one line.
    void show(double fraction, const std::string& text);

    /// A line that stays.
    void note(const std::string& text);

    void clear();

private:
    ProgressStyle style_;
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point next_;
};

} // namespace pipebd::cli
