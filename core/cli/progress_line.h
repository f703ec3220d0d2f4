// ProgressLine: how far something has come, on standard error: one line that is drawn anew on a terminal, now and then a line
// elsewhere.
#pragma once

#include <chrono>
#include <string>

namespace pipebd::cli {

class ProgressLine {
public:
    /// A quiet one shows nothing.
    explicit ProgressLine(bool quiet);
    ~ProgressLine(); // clears

    /// `fraction` from 0 to 1; `text` in one line.
    void show(double fraction, const std::string& text);

    /// A line that stays.
    void note(const std::string& text);

    void clear();

private:
    bool quiet_;
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point next_;
};

} // namespace pipebd::cli
