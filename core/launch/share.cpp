#include "launch/share.h"

#include "base/error.h"
#include "base/file.h"
#include "experiment/limits.h"
#include "experiment/run_spec.h"
#include "launch/machine_board.h"
#include "launch/master_address.h"
#include "launch/prepared.h"
#include "launch/supervisor.h"
#include "launch/training.h"

#include <cerrno>
#include <fstream>
#include <memory>

#include <poll.h>

namespace pipebd::launch {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int look_period = 200; // ms, between two looks at what the others say
constexpr auto time_to_tell = 3s; // for the machine of a rank that died, once the others have seen it vanish

std::string numbers(const std::vector<int>& list)
{
    std::string text = list.size() == 1 ? "machine " : "machines ";
    for (std::size_t i = 0; i < list.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(list[i]);
    return text;
}

class Sharing {
public:
    Sharing(const Share& share, const std::function<void(const std::string&)>& note, const std::atomic<bool>& cancel)
        : share_(share)
        , note_(note)
        , cancel_(cancel)
        , folder_(fs::absolute(share.folder))
        , prepared_(read_prepared(folder_))
    {
        const int machines = prepared_.machines();
        if (share.machine < 0 || share.machine >= machines)
            throw Error(Code::BadRequest, "the run was prepared for " + std::to_string(machines) + " machines",
                "--node-rank " + std::to_string(share.machine), "give a number from 0 to " + std::to_string(machines - 1));
        if (machines > 1)
            check_master(share.master, share.port, share.machine == 0);
        board_ = std::make_unique<MachineBoard>(folder_, share.machine, machines);
    }

    ShareEnd run()
    {
        try {
            const bool finished = gather() && run_stages();
            return {.cancelled = !finished, .saved = saved_};
        } catch (const Error& error) {
            board_->fail(error, consequence_);
            throw;
        }
    }

private:
    bool run_stages()
    {
        for (std::size_t i = 0; i < prepared_.stages.size(); ++i) {
            if (prepared_.stages[i].ranks[static_cast<std::size_t>(share_.machine)] > 0 && !supervise(prepared_.stages[i]))
                return false;
            board_->stage_ended();
            if (!wait_for_the_others(i))
                return false;
        }
        board_->finish();
        return true;
    }

    /// Every launcher has come; only then do ranks start, so that they meet at once.
    bool gather()
    {
        std::vector<int> missing = board_->missing();
        if (!missing.empty())
            note_("waiting for " + numbers(missing));
        const Clock::time_point until = Clock::now() + share_.wait;
        for (; !missing.empty(); missing = board_->missing()) {
            if (!turn())
                return false;
            if (Clock::now() >= until)
                throw Error(Code::TimedOut, numbers(missing) + " did not come within " + std::to_string(share_.wait / 1s) + " s",
                    folder_.string(), "start pipebd launch there; all machines must share this folder");
        }
        return true;
    }

    bool wait_for_the_others(std::size_t stage)
    {
        const std::vector<int>& ranks = prepared_.stages[stage].ranks;
        for (int machine = 0; machine < prepared_.machines(); ++machine) {
            const auto has_ended = [&] {
                const std::optional<MachineState> state = board_->state_of(machine);
                return state && state->done > static_cast<int>(stage);
            };
            while (machine != share_.machine && ranks[static_cast<std::size_t>(machine)] > 0 && !has_ended()) {
                board_->watch(machine);
                if (!turn())
                    return false;
            }
        }
        return true;
    }

    /// A little later. Throws what another machine failed of. False: the run is to end.
    bool turn(bool causes_only = false)
    {
        ::poll(nullptr, 0, look_period); // a signal ends it early
        look(causes_only);
        return !stops_;
    }

    void look(bool causes_only)
    {
        board_->beat();
        hear_of_stops();
        end_with_the_others(causes_only);
    }

    /// Passes on what this machine's user wants, and takes what another's does.
    void hear_of_stops()
    {
        const bool hurried = share_.at_once != nullptr && *share_.at_once;
        if (cancel_)
            board_->stop(hurried ? Stop::AtOnce : Stop::Gently);
        const std::optional<MachineBoard::Stopping> elsewhere = board_->stop_elsewhere();
        if (elsewhere && !stops_ && !cancel_)
            note_("machine " + std::to_string(elsewhere->machine) + " was told to stop");
        stops_ = stops_ || cancel_ || elsewhere;
        at_once_ = at_once_ || hurried || (elsewhere && elsewhere->how == Stop::AtOnce);
    }

    void end_with_the_others(bool causes_only)
    {
        if (const std::optional<Error> failure = board_->failure_elsewhere(causes_only)) {
            consequence_ = true;
            throw *failure;
        }
    }

    bool supervise(const PreparedStage& stage)
    {
        const fs::path folder = folder_ / stage.folder;
        const Job job = job_of(stage, folder);
        note_("stage " + stage.stage + ": " + std::to_string(job.ranks) + " of " + std::to_string(stage.world_size())
            + " ranks run here, starting with rank " + std::to_string(stage.first_rank_of(share_.machine)));
        std::ofstream log(folder / ("machine-" + std::to_string(share_.machine) + ".log"), std::ios::app);
        Clock::time_point looked = Clock::now();
        Listener listener;
        listener.metric = [&](const experiment::Metric& metric) { take(metric); };
        listener.log = [&](int rank, const std::string& line) { log << "rank " << rank << ": " << line << std::endl; };
        listener.tick = [&] {
            if (Clock::now() - looked < std::chrono::milliseconds(look_period))
                return;
            looked = Clock::now();
            look(false);
        };
        const Outcome outcome = launch::run(job, listener, stops_);
        if (outcome.kind == Outcome::Kind::Failed)
            fail(outcome);
        if (outcome.kind == Outcome::Kind::Cancelled)
            end_stopped(outcome);
        return outcome.kind == Outcome::Kind::Finished;
    }

    void take(const experiment::Metric& metric)
    {
        using Type = experiment::Metric::Type;
        if (metric.type == Type::Log && metric.text.starts_with("warning: "))
            note_("rank " + std::to_string(metric.rank) + ": " + metric.text);
        if (metric.type == Type::Bye && stopping_)
            saved_ = stopping_;
        if (metric.type != Type::Doing || metric.name != "stopping")
            return;
        if (!stopping_)
            note_(stopping_text(metric.step, cancel_ ? "press Ctrl-C again" : "press Ctrl-C twice"));
        stopping_ = metric.step;
    }

    /// Of ranks that were told to stop, by whomever.
    void end_stopped(const Outcome& outcome)
    {
        hear_of_stops(); // the ranks may have heard of it sooner
        const bool is_known = outcome.error && outcome.error->code() == Code::Cancelled && stops_;
        if (outcome.error && !is_known)
            note_(std::string("warning: ") + outcome.error->what());
        const bool saved = !outcome.error || outcome.error->code() == Code::Cancelled;
        board_->stop(saved ? Stop::Gently : Stop::AtOnce); // nothing can be saved without the ranks that are gone
    }

    Job job_of(const PreparedStage& stage, const fs::path& folder) const
    {
        const fs::path file = folder / "spec.json";
        const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(file), file.string());
        if (static_cast<int>(spec.devices.size()) != stage.world_size())
            throw Error(Code::Damaged, "its ranks are not those that were prepared", file.string(),
                "prepare the run again in a new folder");
        Job job;
        job.engine = engine_program();
        job.arguments = {"train", "--spec", file.string(), "--metrics", folder.string()};
        job.ranks = stage.ranks[static_cast<std::size_t>(share_.machine)];
        job.at_once = &at_once_;
        const experiment::Run& limits = spec.experiment.run;
        if (spec.deliver)
            job.stop_grace = experiment::stop_grace(limits);
        job.heartbeat_limit = experiment::silence_limit(limits);
        job.start_limit = experiment::join_limit(limits);
        job.stall_limit = experiment::stall_limit(limits);
        const int first = stage.first_rank_of(share_.machine);
        for (int rank = first; rank < first + job.ranks; ++rank)
            job.threads.push_back(spec.devices[static_cast<std::size_t>(rank)].threads);
        if (job.ranks < stage.world_size())
            job.elsewhere = Job::Elsewhere{
                .first_rank = first, .world_size = stage.world_size(), .master = share_.master, .port = share_.port};
        return job;
    }

    /// A rank here only saw one of another machine vanish, perhaps: then that machine is given the time to say so.
    void fail(const Outcome& outcome)
    {
        const Clock::time_point until = Clock::now() + time_to_tell;
        while (outcome.may_be_consequence && Clock::now() < until && turn(true)) { }
        if (outcome.may_be_consequence && stops_)
            return; // at once, there
        consequence_ = outcome.may_be_consequence;
        const Error& error = *outcome.error;
        throw Error(
            error.code(), "machine " + std::to_string(share_.machine) + ": " + error.problem(), error.where(), error.remedy());
    }

    const Share& share_;
    const std::function<void(const std::string&)>& note_;
    const std::atomic<bool>& cancel_; // of this machine
    std::atomic<bool> stops_ = false; // of any machine
    std::atomic<bool> at_once_ = false; // likewise
    fs::path folder_;
    Prepared prepared_;
    std::unique_ptr<MachineBoard> board_;
    std::optional<std::int64_t> stopping_; // at the end of which step
    std::optional<std::int64_t> saved_;
    bool consequence_ = false; // what this machine fails of is another's doing
};

} // namespace

ShareEnd run_share(const Share& share, const std::function<void(const std::string&)>& note, const std::atomic<bool>& cancel)
{
    return Sharing(share, note, cancel).run();
}

} // namespace pipebd::launch
