#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
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

constexpr auto patience = 5s;

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

    bool ends_within(std::chrono::milliseconds limit, const std::atomic<bool>& cancel) const
    {
        const Clock::time_point deadline = Clock::now() + limit;
        while (!cancel) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
            pollfd ended = {.fd = descriptor_, .events = POLLIN, .revents = 0};
            if (::poll(&ended, 1, static_cast<int>(std::max(left, 0ms).count())) > 0)
                return true;
            if (Clock::now() >= deadline)
                break;
        }
        return false;
    }

private:
    int descriptor_;
};

} // namespace

int stop_run(const Context& context, const StopOptions& options)
{
    const store::Lab lab = context.open_lab();
    const int id = run_id_from(options.id, "pipebd runs stop ID");
    const store::RunRecord run = lab.run(id);
    const std::string place = "run " + std::to_string(id);
    if (is_final(run.state))
        throw nothing_to_stop(run);
    if (run.supervisor.host != store::this_process().host)
        throw Error(Code::BadRequest, "the run is on another computer", place + " on " + run.supervisor.host, "stop it there");

    const ProcessHandle supervisor(run.supervisor.pid); // first held, then compared: so it is that process that is signalled
    if (!supervisor.is_open() || !is_alive(run.supervisor))
        throw nothing_to_stop(lab.run(id));
    if (!supervisor.signal(options.now ? SIGQUIT : SIGTERM))
        throw system_error("the run cannot be stopped", place);
    if (!supervisor.ends_within(patience, context.cancel))
        throw Error(
            Code::TimedOut, "the run has not stopped within 5 s", place, "look again with pipebd runs show " + std::to_string(id));
    if (context.json)
        std::cout << launch::run_to_json(lab.run(id), {}) << "\n";
    else if (!context.quiet)
        std::cout << place << " " << to_string(lab.run(id).state) << "\n";
    return 0;
}

} // namespace pipebd::cli
