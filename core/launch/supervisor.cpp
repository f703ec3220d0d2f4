#include "launch/supervisor.h"

#include "base/fair_clock.h"
#include "base/text.h"
#include "launch/followed_rank.h"
#include "launch/loopback_socket.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;

constexpr auto turn = 50ms; // how long to wait for a line before looking at the time
constexpr auto tick_period = 100ms;
constexpr auto collection_window = 250ms; // how long a rank that saw a peer vanish is given the benefit of the doubt

std::string name_of(const FollowedRank& rank)
{
    return "rank " + std::to_string(rank.number());
}

class Supervision {
public:
    Supervision(const Job& job, const Listener& listener, const std::atomic<bool>& cancel);

    Outcome run();

private:
    void start();
    void start_question();
    void wait() const;
    void follow();
    void check_limits();
    void check_silence(std::chrono::milliseconds limit, const std::string& what);
    void check_stall();
    void end_those_that_are_done();
    FollowedRank* stillest(std::chrono::milliseconds limit);
    void warn_of_starving(const FollowedRank& rank, std::chrono::milliseconds limit);
    void decide();
    void stop_all(std::chrono::milliseconds grace);
    void stop_those_that_linger();
    void tick();
    bool all_ended() const;
    bool all_said_hello() const;
    const FollowedRank* first_failed() const;
    Outcome outcome() const;

    const Job& job_;
    const Listener& listener_;
    const std::atomic<bool>& cancel_;
    Clock::time_point zero_;
    FairClock clock_; // of the limits
    Clock::time_point started_; // by it
    bool joined_ = false; // every rank has said hello
    bool warned_ = false; // that a rank starves
    std::vector<std::unique_ptr<FollowedRank>> ranks_;
    std::optional<Clock::time_point> kill_at_; // the ranks are being stopped
    const FollowedRank* culprit_ = nullptr;
    bool cancelled_ = false;
    Clock::time_point last_tick_;
};

Supervision::Supervision(const Job& job, const Listener& listener, const std::atomic<bool>& cancel)
    : job_(job)
    , listener_(listener)
    , cancel_(cancel)
    , zero_(job.zero == Clock::time_point{} ? Clock::now() : job.zero)
{
}

void Supervision::start()
{
    const LoopbackSocket socket;
    const std::string zero = std::to_string(std::chrono::nanoseconds(zero_.time_since_epoch()).count());
    for (int rank = 0; rank < job_.ranks; ++rank) {
        const auto index = static_cast<std::size_t>(rank);
        const int threads = index < job_.threads.size() ? job_.threads[index] : 1;
        Process::Command command;
        command.program = job_.engine;
        command.arguments = job_.arguments;
        command.environment = {
            "RANK=" + std::to_string(rank),
            "LOCAL_RANK=" + std::to_string(rank),
            "WORLD_SIZE=" + std::to_string(job_.ranks),
            "MASTER_ADDR=127.0.0.1",
            "MASTER_PORT=" + std::to_string(socket.port()),
            "GLOO_SOCKET_IFNAME=lo",
            "NCCL_SOCKET_IFNAME=lo",
            "TORCHELASTIC_USE_AGENT_STORE", // of a torchrun around us: these ranks have a store of their own
            "OMP_NUM_THREADS=" + std::to_string(threads),
            "PIPEBD_CLOCK_ZERO=" + zero,
            "PIPEBD_SUPERVISED=1", // they leave it to us how long they wait for each other
            rank == 0 ? "PIPEBD_LISTEN_FD=" + std::to_string(socket.descriptor()) : "PIPEBD_LISTEN_FD",
        };
        if (rank == 0)
            command.keep = {socket.descriptor()};
        command.limits = job_.limits;
        ranks_.push_back(std::make_unique<FollowedRank>(rank, Process(command), job_, clock_));
    }
    started_ = clock_.now();
    last_tick_ = Clock::now();
}

void Supervision::start_question()
{
    Process::Command command;
    command.program = job_.engine;
    command.arguments = job_.arguments;
    command.environment = {"PIPEBD_LISTEN_FD"};
    command.limits = job_.limits;
    ranks_.push_back(std::make_unique<FollowedRank>(0, Process(command), job_, clock_));
    started_ = clock_.now();
    last_tick_ = Clock::now();
}

Outcome Supervision::run()
{
    if (job_.question)
        start_question();
    else
        start();
    while (!all_ended()) {
        wait();
        follow();
        check_limits();
        decide();
        stop_those_that_linger();
        tick();
    }
    return outcome();
}

void Supervision::wait() const
{
    std::vector<pollfd> polled;
    for (const auto& rank : ranks_)
        rank->add_to(polled);
    ::poll(polled.data(), polled.size(), static_cast<int>(turn.count())); // a signal ends it early, which is as good
}

void Supervision::follow()
{
    for (const auto& rank : ranks_)
        rank->follow(listener_, zero_);
    if (joined_ || !all_said_hello())
        return;
    joined_ = true;
    for (const auto& rank : ranks_)
        rank->silence().broken(); // until now some could only wait
}

void Supervision::check_limits()
{
    clock_.turned(turn);
    if (kill_at_)
        return;
    for (const auto& rank : ranks_)
        if (job_.time_limit && !rank->ended() && clock_.now() - started_ >= *job_.time_limit)
            rank->fail(
                Error(Code::TimedOut, name_of(*rank) + " was not done within " + std::to_string(*job_.time_limit / 1s) + " s",
                    name_of(*rank), "see its last lines"),
                Clock::now());
    // Before all have joined nobody can get on: only the missing ones are late then.
    if (!joined_) {
        check_silence(job_.start_limit, "has not joined within ");
        return;
    }
    end_those_that_are_done();
    check_silence(job_.heartbeat_limit, "has made no progress for ");
    check_stall();
}

/// Of those from which a line is due.
void Supervision::check_silence(std::chrono::milliseconds limit, const std::string& what)
{
    if (FollowedRank* rank = stillest(limit))
        rank->fail(
            Error(Code::TimedOut, name_of(*rank) + " " + what + std::to_string(limit / 1s) + " s" + rank->silence().explanation(),
                name_of(*rank), "see its last lines"),
            Clock::now());
}

/// The rank that keeps the others waiting, once one has been silent for `limit`: of those that have been for nearly as long a
/// stopped one, else one that did not only wait for others, else the one that has been for longest. Null if none has.
FollowedRank* Supervision::stillest(std::chrono::milliseconds limit)
{
    const auto beat = std::min<std::chrono::milliseconds>(1s, limit / 4); // that the one may have said more than the other
    std::vector<FollowedRank*> silent;
    bool overdue = false;
    for (const auto& rank : ranks_) {
        if (rank->ended() || rank->failure() || rank->said_bye() || (!joined_ && rank->said_hello()))
            continue;
        rank->silence().look(beat);
        if (rank->silence().lasted() >= limit && rank->silence().counted() < limit)
            warn_of_starving(*rank, limit);
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

void Supervision::warn_of_starving(const FollowedRank& rank, std::chrono::milliseconds limit)
{
    if (std::exchange(warned_, true) || !listener_.metric)
        return;
    const Silence& silence = rank.silence();
    const bool starves = silence.starved() >= silence.blocked();
    const std::string what = starves ? " was runnable but got no processor for " : " waited for a disk for ";
    const std::string why = starves ? ": more ranks than free cores" : "";
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Log;
    metric.rank = rank.number();
    metric.t = std::chrono::duration<double>(Clock::now() - zero_).count();
    metric.text = "warning: " + name_of(rank) + what + in_seconds(std::max(silence.starved(), silence.blocked())) + " of the last "
        + in_seconds(silence.lasted()) + " s" + why + "; it is waited for beyond the " + in_seconds(limit)
        + " s that a rank may be silent";
    listener_.metric(metric);
}

/// Ranks that wait for each other for ever live, and say so; what is on its way between them is over long before the limit.
void Supervision::check_stall()
{
    const FollowedRank* first = nullptr;
    Clock::time_point last_work;
    bool met = true;
    std::string waits;
    for (const auto& rank : ranks_) {
        if (rank->ended() || rank->said_bye())
            continue;
        if (!rank->waiting_since())
            return;
        if (first == nullptr || *rank->waiting_since() < *first->waiting_since())
            first = rank.get();
        last_work = std::max(last_work, *rank->waiting_since());
        met &= rank->said_met();
        waits += (waits.empty() ? "" : ", ") + name_of(*rank) + " for " + in_quotes(rank->waiting_for());
    }
    const auto limit = met ? job_.stall_limit : std::max(job_.stall_limit, job_.start_limit);
    if (first == nullptr || clock_.now() - last_work < limit)
        return;
    ranks_[static_cast<std::size_t>(first->number())]->fail(
        Error(Code::TimedOut, "every rank has only waited for the others for " + std::to_string(limit / 1s) + " s", waits,
            "see the log for what each did last, and report it: ranks must not wait for each other"),
        Clock::now());
}

void Supervision::end_those_that_are_done()
{
    for (const auto& rank : ranks_)
        if (!rank->ended() && rank->said_bye() && rank->silence().lasted() >= job_.heartbeat_limit)
            rank->stop(SIGKILL); // its work is done, only its end is not
}

void Supervision::decide()
{
    if (kill_at_ || culprit_ != nullptr)
        return;
    if (const FollowedRank* failed = first_failed()) {
        const bool sure = !failed->failure()->may_be_consequence;
        if (sure || all_ended() || Clock::now() - failed->failure()->when >= collection_window) {
            culprit_ = failed;
            stop_all(job_.failure_grace);
        }
    } else if (cancel_ && !all_ended()) {
        cancelled_ = true;
        stop_all(job_.cancel_grace);
    }
}

/// The failure that is the cause: one that cannot be a consequence before one that may be, then the earliest.
const FollowedRank* Supervision::first_failed() const
{
    const FollowedRank* first = nullptr;
    for (const auto& rank : ranks_)
        if (rank->failure() && (first == nullptr || is_cause_before(*rank->failure(), *first->failure())))
            first = rank.get();
    return first;
}

void Supervision::stop_all(std::chrono::milliseconds grace)
{
    kill_at_ = Clock::now() + grace;
    for (const auto& rank : ranks_)
        rank->stop(SIGTERM);
}

void Supervision::stop_those_that_linger()
{
    const bool at_once = cancelled_ && job_.at_once != nullptr && *job_.at_once;
    if (kill_at_ && (at_once || Clock::now() >= *kill_at_))
        for (const auto& rank : ranks_)
            rank->stop(SIGKILL);
}

void Supervision::tick()
{
    const Clock::time_point now = Clock::now();
    if (now - last_tick_ < tick_period)
        return;
    last_tick_ = now;
    if (listener_.tick)
        listener_.tick();
}

bool Supervision::all_ended() const
{
    return std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->ended(); });
}

bool Supervision::all_said_hello() const
{
    return std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->said_hello(); });
}

Outcome Supervision::outcome() const
{
    if (culprit_ == nullptr) {
        Outcome outcome;
        outcome.kind = cancelled_ ? Outcome::Kind::Cancelled : Outcome::Kind::Finished;
        return outcome;
    }
    std::map<int, Failure> failures;
    for (const auto& rank : ranks_)
        if (rank->failure())
            failures.emplace(rank->number(), *rank->failure());
    Outcome outcome = failed_outcome(culprit_->number(), failures);
    outcome.last_lines = culprit_->last_lines();
    return outcome;
}

} // namespace

Outcome run(const Job& job, const Listener& listener, const std::atomic<bool>& cancel)
{
    return Supervision(job, listener, cancel).run();
}

} // namespace pipebd::launch
