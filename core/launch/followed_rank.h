// FollowedRank: one rank of a job as its supervisor sees it: its process, its lines, what it has said and how it failed.
#pragma once

#include "base/error.h"
#include "experiment/metric_parts.h"
#include "launch/failure.h"
#include "launch/line_reader.h"
#include "launch/process.h"
#include "launch/silence.h"
#include "launch/supervisor.h"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

namespace pipebd::launch {

using Clock = std::chrono::steady_clock;

class FollowedRank {
public:
    /// `clock` is that of the limits, and outlives it.
    FollowedRank(int number, Process process, const Job& job, const FairClock& clock);

    int number() const { return number_; }
    bool ended() const { return ended_; }
    bool said_hello() const { return said_hello_; }
    bool said_bye() const { return said_bye_; }
    bool said_met() const { return said_met_; }
    Silence& silence() { return silence_; }
    const Silence& silence() const { return silence_; }
    /// Since when it has only waited for other ranks, by the clock of the limits; none if it has worked since.
    const std::optional<Clock::time_point>& waiting_since() const { return waiting_since_; }
    const std::string& waiting_for() const { return waiting_for_; }
    /// It takes steps, and would save what it has come to if it were told to stop.
    bool is_training() const { return doing_ == "training" || says_it_stops(); }
    bool says_it_stops() const { return doing_ == "stopping"; }
    const std::optional<Failure>& failure() const { return failure_; }
    std::vector<std::string> last_lines() const { return {last_lines_.begin(), last_lines_.end()}; }

    /// What to poll for.
    void add_to(std::vector<pollfd>& polled) const;

    /// Reads what there is and, if the process has ended, the rest of it; notes the first failure.
    void follow(const Listener& listener, Clock::time_point zero);

    /// It is to be stopped: how it ends from here on is no failure.
    void stop(int signal);

    void fail(Error error, Clock::time_point when, bool may_be_consequence = false);

private:
    void read_output(std::size_t budget, const Listener& listener, Clock::time_point zero);
    void read_errors(std::size_t budget, const Listener& listener);
    void take_metric(std::string_view line, const Listener& listener, Clock::time_point zero);
    void note_waiting(const experiment::Metric& metric);
    void take_log_line(std::string_view line, const Listener& listener);
    void begin_second(); // the limits on lines count anew
    void count_line();
    void note_exit(const Exit& exit);
    std::string place() const;

    int number_;
    Process process_;
    const FairClock& clock_;
    Silence silence_;
    LineReader output_;
    experiment::MetricParts parts_;
    LineReader errors_;
    int lines_per_second_;
    bool question_;
    bool output_open_ = true;
    bool errors_open_ = true;
    bool ended_ = false;
    bool said_hello_ = false;
    bool said_met_ = false;
    bool said_bye_ = false;
    std::optional<Clock::time_point> waiting_since_;
    std::string waiting_for_;
    std::string doing_; // of the newest `doing`
    bool stopped_ = false;
    Clock::time_point last_line_;
    Clock::time_point second_began_;
    int lines_in_second_ = 0;
    int log_lines_in_second_ = 0;
    std::deque<std::string> last_lines_;
    std::optional<Failure> failure_;
};

} // namespace pipebd::launch
