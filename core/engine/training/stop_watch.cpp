#include "engine/training/stop_watch.h"

#include "engine/transport/transport.h"

#include <csignal>
#include <ctime>
#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace pipebd::engine {

namespace {

using namespace std::chrono_literals;

constexpr auto calm = 1000ms; // between two looks, as long as nobody is known to have asked
constexpr auto haste = 10ms; // until all have announced

sigset_t stopping_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

/// As if nobody had taken it over.
[[noreturn]] void end_by(int signal)
{
    std::signal(signal, SIG_DFL);
    const sigset_t signals = stopping_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    raise(signal);
    _exit(1);
}

timespec as_timespec(std::chrono::milliseconds time)
{
    return {.tv_sec = time / 1s, .tv_nsec = (time % 1s) / 1ns};
}

} // namespace

StopWatch::StopWatch(Reporter& reporter)
    : reporter_(reporter)
{
    const sigset_t signals = stopping_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    thread_ = std::thread([this] { run(); });
}

StopWatch::~StopWatch()
{
    closing_ = true;
    pthread_kill(thread_.native_handle(), SIGINT); // ends its waiting
    thread_.join();
}

void StopWatch::begin(Board& board, StopAgreement agreement)
{
    {
        std::scoped_lock lock(looking_, mutex_);
        board_ = &board;
        agreement_ = std::move(agreement);
    }
    say("training", 0);
}

bool StopWatch::end()
{
    std::scoped_lock lock(looking_, mutex_);
    board_ = nullptr;
    return asked_;
}

bool StopWatch::stops_after(std::int64_t round, const std::function<void()>& waiting)
{
    std::unique_lock lock(mutex_);
    for (;;) {
        const StopAgreement::Answer answer = agreement_->at_end_of(round);
        if (answer != StopAgreement::Answer::Wait)
            return answer == StopAgreement::Answer::Stop;
        if (error_)
            throw *error_;
        changed_.wait_for(lock, waiting_interval);
        lock.unlock();
        waiting();
        lock.lock();
    }
}

void StopWatch::run()
{
    const sigset_t signals = stopping_signals();
    while (!closing_) {
        const timespec pause = as_timespec(asked_ && !settled_ ? haste : calm);
        const int signal = sigtimedwait(&signals, nullptr, &pause);
        if (closing_)
            return;
        if (signal > 0) {
            std::lock_guard lock(mutex_);
            if (board_ == nullptr)
                end_by(signal);
            agreement_->ask();
            asked_ = true;
        }
        look();
    }
}

/// Whether a stop has been asked for. Without the interpreter's lock: an answer may take its time.
bool StopWatch::learn()
{
    if (asked_)
        return true;
    if (!StopAgreement::is_asked_on(*board_))
        return false;
    std::lock_guard lock(mutex_);
    agreement_->ask();
    asked_ = true;
    return true;
}

void StopWatch::look()
{
    std::lock_guard looking(looking_);
    if (board_ == nullptr || settled_) // written under this lock, too
        return;
    try {
        if (!learn())
            return;
        std::lock_guard lock(mutex_);
        agreement_->look(*board_);
        settled_ = agreement_->agreed().has_value();
    } catch (const Error& error) {
        std::lock_guard lock(mutex_);
        error_ = error; // if nobody has asked, the interpreter will miss the same peer
        settled_ = true;
    }
    if (!settled_)
        return;
    changed_.notify_all();
    if (error_)
        return;
    say("stopping", *agreement_->agreed());
}

void StopWatch::say(const std::string& doing, std::int64_t round)
{
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Doing;
    metric.name = doing;
    metric.step = round;
    reporter_.report(std::move(metric));
}

} // namespace pipebd::engine
