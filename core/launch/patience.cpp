#include "launch/patience.h"

#include "base/text.h"

#include <algorithm>
#include <csignal>
#include <tuple>
#include <utility>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;

std::string name_of(const FollowedRank& rank)
{
    return "rank " + std::to_string(rank.number());
}

} // namespace

Patience::Patience(const Job& job, const std::vector<std::unique_ptr<FollowedRank>>& ranks, const FairClock& clock)
    : job_(job)
    , ranks_(ranks)
    , clock_(clock)
    , began_(clock.now())
    , last_work_(began_)
{
}

void Patience::check(const Listener& listener, Clock::time_point zero)
{
    if (job_.time_limit && clock_.now() - began_ >= *job_.time_limit)
        for (const auto& rank : ranks_)
            if (!rank->ended())
                rank->fail(
                    Error(Code::TimedOut, name_of(*rank) + " did not finish within " + std::to_string(*job_.time_limit / 1s) + " s",
                        name_of(*rank), "see its last lines of output"),
                    Clock::now());
    // Before all have joined nobody can get on: only the missing ones are late then.
    if (!joined_ && !have_joined()) {
        check_silence(job_.start_limit, "did not join within ", listener, zero);
        return;
    }
    end_those_that_are_done();
    check_silence(job_.heartbeat_limit, "has made no progress for ", listener, zero);
    if (!job_.elsewhere)
        check_stall();
}

bool Patience::have_joined()
{
    joined_ = std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->said_hello(); });
    if (joined_)
        for (const auto& rank : ranks_)
            rank->silence().broken(); // until now some could only wait
    return joined_;
}

/// Of those from which a line is due.
void Patience::check_silence(
    std::chrono::milliseconds limit, const std::string& what, const Listener& listener, Clock::time_point zero)
{
    if (FollowedRank* rank = stillest(limit, listener, zero))
        rank->fail(
            Error(Code::TimedOut, name_of(*rank) + " " + what + std::to_string(limit / 1s) + " s" + rank->silence().explanation(),
                name_of(*rank), "see its last lines of output"),
            Clock::now());
}

/// The rank that keeps the others waiting, once one has been silent for `limit`: of those that have been for nearly as long a
/// stopped one, else one that did not only wait for others, else the one that has been for longest. Null if none has.
FollowedRank* Patience::stillest(std::chrono::milliseconds limit, const Listener& listener, Clock::time_point zero)
{
    const auto beat = std::min<std::chrono::milliseconds>(1s, limit / 4); // that the one may have said more than the other
    std::vector<FollowedRank*> silent;
    bool overdue = false;
    for (const auto& rank : ranks_) {
        if (rank->ended() || rank->failure() || rank->said_bye() || (!joined_ && rank->said_hello()))
            continue;
        rank->silence().look(beat);
        if (rank->silence().lasted() >= limit && rank->silence().counted() < limit)
            warn_of_starving(*rank, limit, listener, zero);
        overdue |= rank->silence().counted() >= limit;
        if (rank->silence().counted() >= limit - beat)
            silent.push_back(rank.get());
    }
    if (!overdue)
        return nullptr;
    const auto order = [](const FollowedRank* rank) {
        return std::tuple(!rank->silence().is_stopped(), rank->waiting_since().has_value(), -rank->silence().counted());
    };
    return *std::min_element(
        silent.begin(), silent.end(), [&](const FollowedRank* a, const FollowedRank* b) { return order(a) < order(b); });
}

void Patience::warn_of_starving(
    const FollowedRank& rank, std::chrono::milliseconds limit, const Listener& listener, Clock::time_point zero)
{
    if (std::exchange(warned_, true) || !listener.metric)
        return;
    const Silence& silence = rank.silence();
    const bool starves = silence.starved() >= silence.blocked();
    const std::string what = starves ? " was runnable but got no processor for " : " waited for a disk for ";
    const std::string why = starves ? ": more ranks than free cores" : "";
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Log;
    metric.rank = rank.number();
    metric.t = std::chrono::duration<double>(Clock::now() - zero).count();
    metric.text = "warning: " + name_of(rank) + what + in_seconds(std::max(silence.starved(), silence.blocked())) + " of the last "
        + in_seconds(silence.lasted()) + " s" + why + "; the run waits for it beyond the " + in_seconds(limit)
        + " s that a rank may be silent";
    listener.metric(metric);
}

/// Ranks that wait for each other for ever live, and say so; what is on its way between them is over long before the limit.
void Patience::check_stall()
{
    FollowedRank* first = nullptr;
    bool met = true;
    bool works = false;
    std::string waits;
    for (const auto& rank : ranks_) {
        if (rank->ended() || rank->said_bye())
            continue;
        if (rank->waiting_since())
            last_work_ = std::max(last_work_, *rank->waiting_since());
        else
            works = true;
        met &= rank->said_met();
        if (first == nullptr || rank->waiting_since() < first->waiting_since())
            first = rank.get();
        waits += (waits.empty() ? "" : ", ") + name_of(*rank) + " for " + in_quotes(rank->waiting_for());
    }
    // Not only since when these have been waiting: one that has worked until now may have left.
    if (works || first == nullptr)
        last_work_ = clock_.now();
    const auto limit = met ? job_.stall_limit : std::max(job_.stall_limit, job_.start_limit);
    if (clock_.now() - last_work_ < limit)
        return;
    first->fail(Error(Code::TimedOut, "all ranks have only waited for each other for " + std::to_string(limit / 1s) + " s", waits,
                    "the log shows what each did last; please report this: ranks must never wait for each other"),
        Clock::now());
}

void Patience::end_those_that_are_done()
{
    for (const auto& rank : ranks_)
        if (!rank->ended() && rank->said_bye() && rank->silence().lasted() >= job_.heartbeat_limit)
            rank->stop(SIGKILL); // its work is done, only its end is not
}

} // namespace pipebd::launch
