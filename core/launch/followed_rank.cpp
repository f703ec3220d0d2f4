#include "launch/followed_rank.h"

#include "base/text.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace pipebd::launch {

namespace {

constexpr std::size_t bytes_a_turn = 256 << 10; // so that a flood from one rank does not keep the others waiting
constexpr std::size_t bytes_at_end = 4 << 20; // more than a pipe holds
constexpr std::size_t log_line_limit = 4096;
constexpr std::size_t kept_log_lines = 50;
constexpr int log_lines_per_second = 1000;
constexpr std::size_t longest_reason = 100; // bytes, of what a rank waits for

std::string remedy_for(const Exit& exit)
{
    if (exit.signal == SIGKILL)
        return "it was killed by someone, or the computer ran out of memory (see dmesg)";
    return "see its last lines of output";
}

} // namespace

FollowedRank::FollowedRank(int number, Process process, const Job& job, const FairClock& clock)
    : number_(number)
    , process_(std::move(process))
    , clock_(clock)
    , silence_(clock, [pid = process_.pid()] { return account_of(pid); })
    , output_(job.line_limit, LineReader::Overlong::Refuse)
    , errors_(log_line_limit, LineReader::Overlong::Cut)
    , lines_per_second_(job.lines_per_second)
    , question_(job.question)
    , last_line_(Clock::now())
    , second_began_(last_line_)
{
}

void FollowedRank::add_to(std::vector<pollfd>& polled) const
{
    if (ended_)
        return;
    polled.push_back({.fd = process_.pidfd(), .events = POLLIN, .revents = 0});
    if (output_open_)
        polled.push_back({.fd = process_.output(), .events = POLLIN, .revents = 0});
    if (errors_open_)
        polled.push_back({.fd = process_.errors(), .events = POLLIN, .revents = 0});
}

void FollowedRank::follow(const Listener& listener, Clock::time_point zero)
{
    if (ended_)
        return;
    const std::optional<Exit> exit = process_.try_reap(); // before reading: what it said is then in the pipes
    read_errors(exit ? bytes_at_end : bytes_a_turn, listener);
    read_output(exit ? bytes_at_end : bytes_a_turn, listener, zero);
    if (exit) {
        ended_ = true;
        note_exit(*exit);
    }
}

void FollowedRank::read_output(std::size_t budget, const Listener& listener, Clock::time_point zero)
{
    if (!output_open_)
        return;
    try {
        output_open_ = output_.read(process_.output(), budget, [&](std::string_view line) {
            count_line();
            take_metric(line, listener, zero);
        });
    } catch (const Error& error) {
        if (error.code() != Code::Protocol && error.code() != Code::Newer)
            throw;
        output_open_ = false; // nothing it says is understood any more
        fail(
            Error(Code::Protocol, error.problem(), place() + ", " + error.where(), "its standard output must contain only metrics"),
            Clock::now());
    }
}

void FollowedRank::read_errors(std::size_t budget, const Listener& listener)
{
    if (errors_open_)
        errors_open_ = errors_.read(process_.errors(), budget, [&](std::string_view line) { take_log_line(line, listener); });
}

void FollowedRank::take_metric(std::string_view line, const Listener& listener, Clock::time_point zero)
{
    using Type = experiment::Metric::Type;
    std::optional<experiment::Metric> whole = parts_.take(experiment::metric_from_line(line));
    if (!whole) {
        last_line_ = Clock::now();
        return;
    }
    experiment::Metric& metric = *whole;
    metric.rank = number_;
    const Clock::time_point now = Clock::now();
    if (metric.type == Type::Hello)
        said_hello_ = true;
    if (metric.type == Type::Met)
        said_met_ = true;
    if (metric.type == Type::Bye)
        said_bye_ = true;
    if (metric.type == Type::Doing)
        doing_ = metric.name;
    if (metric.type == Type::Error) {
        // Its own clock orders failures better than the order in which pipes are read; it shares our zero.
        const auto said
            = zero + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::max(metric.t, 0.0)));
        const Failure failure = failure_said(metric, number_, std::clamp(said, last_line_, now));
        fail(failure.error, failure.when, failure.may_be_consequence);
    }
    last_line_ = now;
    silence_.broken();
    note_waiting(metric);
    if (listener.metric)
        listener.metric(metric);
}

void FollowedRank::note_waiting(const experiment::Metric& metric)
{
    using Type = experiment::Metric::Type;
    if (metric.type == Type::Log)
        return; // says nothing of either
    if (metric.type != Type::Heartbeat || metric.waiting.empty()) {
        waiting_since_.reset();
        return;
    }
    if (!waiting_since_)
        waiting_since_ = clock_.now();
    waiting_for_ = printable(metric.waiting, longest_reason);
}

void FollowedRank::take_log_line(std::string_view line, const Listener& listener)
{
    last_lines_.push_back(printable(line, log_line_limit));
    if (last_lines_.size() > kept_log_lines)
        last_lines_.pop_front();
    begin_second();
    if (++log_lines_in_second_ <= log_lines_per_second && listener.log)
        listener.log(number_, last_lines_.back());
}

void FollowedRank::begin_second()
{
    const Clock::time_point now = Clock::now();
    if (now - second_began_ < std::chrono::seconds(1))
        return;
    second_began_ = now;
    lines_in_second_ = 0;
    log_lines_in_second_ = 0;
}

void FollowedRank::count_line()
{
    begin_second();
    if (++lines_in_second_ > lines_per_second_)
        throw Error(Code::Protocol, "more than " + std::to_string(lines_per_second_) + " lines per second", "standard output");
}

void FollowedRank::stop(int signal)
{
    stopped_ = true;
    process_.signal(signal);
}

void FollowedRank::fail(Error error, Clock::time_point when, bool may_be_consequence)
{
    if (!failure_)
        failure_ = Failure{std::move(error), when, may_be_consequence};
}

void FollowedRank::note_exit(const Exit& exit)
{
    if (said_bye_ || stopped_)
        return;
    if (question_ && said_hello_ && exit.signal == 0 && exit.status == 0)
        return;
    if (exit.signal == 0 && exit.status == 0 && !output_.rest().empty())
        fail(Error(Code::Protocol, "a rank ended in the middle of a line", place() + ", " + in_quotes(output_.rest()),
                 "see its last lines of output"),
            Clock::now());
    const std::string how
        = exit.signal != 0 ? "was killed by " + exit.text() : "ended with " + exit.text() + " before it had finished";
    fail(Error(Code::RankDied, "rank " + std::to_string(number_) + " " + how, "pid " + std::to_string(process_.pid()),
             remedy_for(exit)),
        Clock::now());
}

std::string FollowedRank::place() const
{
    return "rank " + std::to_string(number_);
}

} // namespace pipebd::launch
