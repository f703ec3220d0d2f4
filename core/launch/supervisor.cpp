#include "launch/supervisor.h"

#include "base/fair_clock.h"
#include "launch/followed_rank.h"
#include "launch/loopback_socket.h"
#include "launch/patience.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;

constexpr auto turn = 50ms; // how long to wait for a line before looking at the time
constexpr auto tick_period = 100ms;
constexpr auto collection_window = 250ms; // how long a rank that saw a peer vanish is given the benefit of the doubt

class Supervision {
public:
    Supervision(const Job& job, const Listener& listener, const std::atomic<bool>& cancel);

    Outcome run();

private:
    void start();
    void start_elsewhere();
    void start_rank(int rank, std::vector<std::string> environment, std::vector<int> keep);
    std::vector<std::string> environment_of(int rank, int local, int world, std::vector<std::string> environment) const;
    void wait() const;
    void follow();
    void decide();
    void stop_all(std::chrono::milliseconds grace);
    void stop_those_that_linger();
    void tick();
    bool all_ended() const;
    bool is_training() const;
    const FollowedRank* first_that_stops() const;
    const FollowedRank* first_failed() const;
    std::optional<Error> error_while_stopping() const;
    Outcome outcome() const;

    const Job& job_;
    const Listener& listener_;
    const std::atomic<bool>& cancel_;
    Clock::time_point zero_;
    FairClock clock_; // of the limits
    std::vector<std::unique_ptr<FollowedRank>> ranks_;
    Patience patience_;
    std::optional<Clock::time_point> kill_at_; // the ranks are being stopped
    const FollowedRank* culprit_ = nullptr;
    bool cancelled_ = false;
    bool saves_ = false; // and every rank is to save what it has come to
    bool overran_ = false; // which took too long
    const FollowedRank* by_itself_ = nullptr; // the rank that had been told to stop before anybody asked here
    Clock::time_point last_tick_;
};

Supervision::Supervision(const Job& job, const Listener& listener, const std::atomic<bool>& cancel)
    : job_(job)
    , listener_(listener)
    , cancel_(cancel)
    , zero_(job.zero == Clock::time_point{} ? Clock::now() : job.zero)
    , patience_(job, ranks_, clock_)
{
}

/// `environment` with what every rank is told: `rank` of `world`, the one numbered `local` of those that are started here.
std::vector<std::string> Supervision::environment_of(int rank, int local, int world, std::vector<std::string> environment) const
{
    const auto index = static_cast<std::size_t>(local);
    const int threads = index < job_.threads.size() ? job_.threads[index] : 1;
    for (const std::string& variable : {
             "RANK=" + std::to_string(rank),
             "LOCAL_RANK=" + std::to_string(local),
             "WORLD_SIZE=" + std::to_string(world),
             std::string("TORCHELASTIC_USE_AGENT_STORE"), // of a torchrun around us: these ranks have a store of their own
             "OMP_NUM_THREADS=" + std::to_string(threads),
             "PIPEBD_CLOCK_ZERO=" + std::to_string(std::chrono::nanoseconds(zero_.time_since_epoch()).count()),
         })
        environment.push_back(variable);
    return environment;
}

void Supervision::start_rank(int rank, std::vector<std::string> environment, std::vector<int> keep)
{
    Process::Command command;
    command.program = job_.engine;
    command.arguments = job_.arguments;
    command.environment = std::move(environment);
    command.keep = std::move(keep);
    command.limits = job_.limits;
    ranks_.push_back(std::make_unique<FollowedRank>(rank, Process(command), job_, clock_));
    last_tick_ = Clock::now();
}

void Supervision::start()
{
    const LoopbackSocket socket;
    const std::string listening = "PIPEBD_LISTEN_FD";
    for (int rank = 0; rank < job_.ranks; ++rank) {
        const std::vector<std::string> environment = {
            "MASTER_ADDR=127.0.0.1",
            "MASTER_PORT=" + std::to_string(socket.port()),
            "GLOO_SOCKET_IFNAME=lo",
            "NCCL_SOCKET_IFNAME=lo",
            "PIPEBD_SUPERVISED=1", // they leave it to us how long they wait for each other
            rank == 0 ? listening + '=' + std::to_string(socket.descriptor()) : listening,
        };
        const std::vector<int> keep(rank == 0 ? 1 : 0, socket.descriptor());
        start_rank(rank, environment_of(rank, rank, job_.ranks, environment), keep);
    }
}

/// As torchrun does; the interface is that which leads to the master, or the one that the user's environment names.
void Supervision::start_elsewhere()
{
    const Job::Elsewhere& elsewhere = *job_.elsewhere;
    const std::vector<std::string> environment = {
        "LOCAL_WORLD_SIZE=" + std::to_string(job_.ranks),
        "MASTER_ADDR=" + elsewhere.master,
        "MASTER_PORT=" + std::to_string(elsewhere.port),
        "PIPEBD_SUPERVISED",
        "PIPEBD_LISTEN_FD",
    };
    for (int local = 0; local < job_.ranks; ++local) {
        const int rank = elsewhere.first_rank + local;
        start_rank(rank, environment_of(rank, local, elsewhere.world_size, environment), {});
    }
}

Outcome Supervision::run()
{
    if (job_.question)
        start_rank(0, {"PIPEBD_LISTEN_FD"}, {});
    else if (job_.elsewhere)
        start_elsewhere();
    else
        start();
    while (!all_ended()) {
        wait();
        follow();
        clock_.turned(turn);
        if (!kill_at_)
            patience_.check(listener_, zero_);
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
    } else if ((cancel_ && !all_ended()) || first_that_stops() != nullptr) {
        cancelled_ = true;
        by_itself_ = cancel_ ? nullptr : first_that_stops();
        saves_ = is_training() && job_.stop_grace > 0ms;
        stop_all(saves_ ? job_.stop_grace : job_.cancel_grace);
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
    // Whoever dies while it saves is waited for by the others in vain.
    if (kill_at_ && std::any_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->ended() && !rank->said_bye(); }))
        kill_at_ = std::min(*kill_at_, Clock::now() + job_.cancel_grace);
    if (!kill_at_ || (!at_once && Clock::now() < *kill_at_))
        return;
    overran_ = overran_ || (saves_ && !at_once && !all_ended());
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

bool Supervision::is_training() const
{
    return std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->is_training(); });
}

const FollowedRank* Supervision::first_that_stops() const
{
    const auto found = std::find_if(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->says_it_stops(); });
    return found == ranks_.end() ? nullptr : found->get();
}

/// What went wrong after all had been told to stop, or why they were.
std::optional<Error> Supervision::error_while_stopping() const
{
    if (const FollowedRank* failed = first_failed())
        return failed->failure()->error;
    if (overran_)
        return Error(Code::TimedOut, "the step was not finished and saved within " + std::to_string(job_.stop_grace / 1s) + " s",
            "run.stop_grace", "allow more time with --set run.stop_grace=SECONDS");
    if (by_itself_ != nullptr)
        return Error(Code::Cancelled, "rank " + std::to_string(by_itself_->number()) + " was told to stop by a signal",
            "the signal did not come from pipebd");
    return std::nullopt;
}

Outcome Supervision::outcome() const
{
    if (culprit_ == nullptr) {
        Outcome outcome;
        outcome.kind = cancelled_ ? Outcome::Kind::Cancelled : Outcome::Kind::Finished;
        if (cancelled_)
            outcome.error = error_while_stopping();
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
