#include "base/error.h"
#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/progress_line.h"
#include "experiment/limits.h"
#include "experiment/run_spec.h"
#include "launch/pidfd.h"
#include "launch/run_json.h"

#include <chrono>
#include <csignal>
#include <iostream>

#include <poll.h>
#include <unistd.h>

namespace pipebd::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 5s; // beyond what the run itself has to end
constexpr auto look_period = 200ms;

Error nothing_to_stop(const store::RunRecord& run)
{
    return {Code::BadRequest, "there is nothing to stop",
        "run " + std::to_string(run.id) + " is " + std::string(to_string(run.state)),
        "pipebd runs list shows which runs are running"};
}

/// A process by descriptor: it cannot become another one while this is held.
class ProcessHandle {
public:
    explicit ProcessHandle(int pid)
        : descriptor_(::pidfd_open(pid, 0))
    {
    }
    ~ProcessHandle()
    {
        if (descriptor_ >= 0)
            ::close(descriptor_);
    }
    ProcessHandle(const ProcessHandle&) = delete;
    ProcessHandle& operator=(const ProcessHandle&) = delete;

    bool is_open() const { return descriptor_ >= 0; }
    bool signal(int number) const { return ::pidfd_send_signal(descriptor_, number, nullptr, 0) == 0; }

    bool ends_within(std::chrono::milliseconds limit) const
    {
        pollfd ended = {.fd = descriptor_, .events = POLLIN, .revents = 0};
        return ::poll(&ended, 1, static_cast<int>(limit.count())) > 0;
    }

private:
    int descriptor_;
};

/// How long a run may take to save what it has come to.
std::chrono::milliseconds grace_of(const store::RunRecord& run)
{
    const std::filesystem::path file = run.folder / "spec.json";
    try {
        const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(file), file.string());
        return experiment::stop_grace(spec.experiment.run);
    } catch (const Error&) {
        return experiment::stop_grace({}); // it is still being made
    }
}

/// Waits for the end of the supervisor, and tells at the end of which step that will be. Returns whether it has ended.
bool await_end(
    const Context& context, const store::Lab& lab, int id, const ProcessHandle& supervisor, std::chrono::milliseconds limit)
{
    ProgressLine line(context.quiet ? ProgressStyle::None : context.progress);
    bool told = false;
    for (const Clock::time_point deadline = Clock::now() + limit; !context.cancel && Clock::now() < deadline;) {
        if (supervisor.ends_within(look_period))
            return true;
        const std::int64_t step = told ? -1 : lab.run(id).stopping;
        if (step > 0) {
            line.note("stopping: run " + std::to_string(id) + " writes a checkpoint at the end of step " + std::to_string(step)
                + "; to stop at once: pipebd runs stop " + std::to_string(id) + " --now");
            told = true;
        }
    }
    return supervisor.ends_within(0ms);
}

} // namespace

int stop_run(const Context& context, const StopOptions& options)
{
    const store::Lab lab = context.existing_lab();
    const int id = run_id_from(options.id, "pipebd runs stop ID");
    const store::RunRecord run = lab.run(id);
    const std::string place = "run " + std::to_string(id);
    if (is_final(run.state))
        throw nothing_to_stop(run);
    if (run.supervisor.host != store::this_process().host)
        throw Error(
            Code::BadRequest, "the run is running on another computer", place + " on " + run.supervisor.host, "stop it there");

    const ProcessHandle supervisor(run.supervisor.pid); // first held, then compared: so it is that process that is signalled
    if (!supervisor.is_open() || !is_alive(run.supervisor))
        throw nothing_to_stop(lab.run(id));
    const bool is_stopping = run.stopping >= 0 && !options.now; // a second signal would end it at once
    if (!is_stopping && !supervisor.signal(options.now ? SIGQUIT : SIGTERM))
        throw system_error("cannot stop the run", place);
    const auto limit = patience + (options.now ? 0ms : grace_of(run));
    if (!await_end(context, lab, id, supervisor, limit))
        throw Error(Code::TimedOut,
            context.cancel ? "the run is still stopping" : "the run has not stopped within " + std::to_string(limit / 1s) + " s",
            place,
            "check again with pipebd runs show " + std::to_string(id) + ", or stop it at once with pipebd runs stop "
                + std::to_string(id) + " --now");
    if (context.json)
        std::cout << launch::run_to_json(lab.run(id), {}) << "\n";
    else if (!context.quiet)
        std::cout << place << " " << to_string(lab.run(id).state) << "\n";
    return 0;
}

} // namespace pipebd::cli
