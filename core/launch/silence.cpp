#include "launch/silence.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 200ms;
constexpr auto worth_telling = 100ms;

} // namespace

Silence::Silence(const FairClock& clock, std::function<ProcessAccount()> account)
    : clock_(clock)
    , account_(std::move(account))
    , since_(clock.now())
    , looked_(since_)
{
}

void Silence::broken()
{
    since_ = clock_.now();
    last_.clear();
    starved_.clear();
    blocked_.clear();
}

void Silence::look(Duration patience)
{
    const auto now = clock_.now();
    if (now - since_ < patience || (!last_.empty() && now - looked_ < look_interval))
        return;
    ProcessAccount account = account_();
    if (!last_.empty())
        account_for(account, now - looked_);
    last_ = std::move(account);
    looked_ = now;
}

/// `passed` since the kernel was last asked.
void Silence::account_for(const ProcessAccount& now, Duration passed)
{
    for (const auto& [thread, account] : now) {
        const auto before = last_.find(thread);
        if (before == last_.end())
            continue;
        const ThreadAccount& then = before->second;
        // A thread that was runnable all along starved in all the time in which it did not run, though the kernel counts only waits
        // that are over.
        const bool runnable = then.state == 'R' && account.state == 'R';
        const Duration kept = runnable ? passed - std::min<Duration>(passed, account.ran - then.ran) : account.kept - then.kept;
        starved_[thread] += std::clamp<Duration>(kept, 0s, passed);
        if (then.state == 'D' && account.state == 'D')
            blocked_[thread] += passed;
    }
}

Silence::Duration Silence::most(const ByThread& times)
{
    Duration most{};
    for (const auto& [thread, time] : times)
        most = std::max(most, time);
    return most;
}

bool Silence::is_stopped() const
{
    return !last_.empty() && std::all_of(last_.begin(), last_.end(), [](const auto& thread) {
        return thread.second.state == 'T' || thread.second.state == 't';
    });
}

std::string Silence::explanation() const
{
    if (is_stopped())
        return " (its process is stopped, as by SIGSTOP)";
    if (starved() >= worth_telling && starved() >= blocked())
        return " (runnable but without a processor for another " + in_seconds(starved()) + " s: more ranks than free cores)";
    if (blocked() >= worth_telling)
        return " (waiting for a disk for another " + in_seconds(blocked()) + " s)";
    return {};
}

std::string in_seconds(Silence::Duration time)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", std::chrono::duration<double>(time).count());
    return text;
}

} // namespace pipebd::launch
