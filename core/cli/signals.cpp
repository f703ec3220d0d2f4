#include "cli/signals.h"

#include <csignal>
#include <cstdint>
#include <ctime>

namespace pipebd::cli {

namespace {

std::atomic<bool> cancelled = false;
std::atomic<bool> hurried = false;
std::atomic<std::int64_t> first_time = 0; // ms, of the first
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free, "a signal handler sets it");

constexpr std::int64_t same_request = 100; // ms

std::int64_t milliseconds()
{
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void cancel(int number)
{
    const std::int64_t now = milliseconds();
    if (!cancelled.exchange(true))
        first_time = now;
    else if (number != SIGHUP && now - first_time >= same_request)
        hurried = true;
}

void cancel_at_once(int)
{
    hurried = true;
    cancelled = true;
}

bool is_ignored(int number)
{
    struct sigaction current = {};
    return ::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

void handle(int number, void (*handler)(int))
{
    struct sigaction action = {};
    action.sa_handler = handler; // without SA_RESTART: whoever waits is to wake up
    ::sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

} // namespace

const std::atomic<bool>& watch_signals()
{
    handle(SIGINT, cancel);
    handle(SIGTERM, cancel);
    handle(SIGQUIT, cancel_at_once);
    if (!is_ignored(SIGHUP))
        handle(SIGHUP, cancel);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGCHLD, SIG_DFL); // a parent's SIG_IGN would hide how ranks end
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return cancelled;
}

const std::atomic<bool>& at_once()
{
    return hurried;
}

} // namespace pipebd::cli
