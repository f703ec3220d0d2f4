#include "launch/process.h"

#include "base/error.h"
#include "launch/pidfd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pipebd::launch {

namespace {

/// A descriptor that is closed with its scope.
class Descriptor {
public:
    explicit Descriptor(int number = -1)
        : number_(number)
    {
    }
    Descriptor(Descriptor&& other) noexcept
        : number_(std::exchange(other.number_, -1))
    {
    }
    Descriptor& operator=(Descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor()
    {
        if (number_ >= 0)
            ::close(number_);
    }

    int number() const { return number_; }
    int release() { return std::exchange(number_, -1); }
    void close() { *this = Descriptor(); }

private:
    int number_;
};

struct Pipe {
    Descriptor reader;
    Descriptor writer;
};

/// Above 2, so that making a child's 0, 1 and 2 never overwrites it, whatever this process has open.
Descriptor above_standard(Descriptor descriptor, const std::string& where)
{
    if (descriptor.number() > 2)
        return descriptor;
    Descriptor moved(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 3));
    if (moved.number() < 0)
        throw system_error("cannot open a descriptor", where);
    return moved;
}

Pipe make_pipe(const std::string& where)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw system_error("cannot make a pipe", where);
    Descriptor reader(ends[0]);
    Descriptor writer(ends[1]);
    return {above_standard(std::move(reader), where), above_standard(std::move(writer), where)};
}

void set_non_blocking(const Descriptor& descriptor)
{
    ::fcntl(descriptor.number(), F_SETFL, ::fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
}

std::string_view name_of(std::string_view variable)
{
    return variable.substr(0, variable.find('='));
}

std::vector<std::string> merged_environment(const std::vector<std::string>& changes)
{
    std::vector<std::string> merged;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const bool changed = std::any_of(
            changes.begin(), changes.end(), [&](const std::string& change) { return name_of(change) == name_of(*variable); });
        if (!changed)
            merged.emplace_back(*variable);
    }
    for (const std::string& change : changes)
        if (change.find('=') != std::string::npos)
            merged.push_back(change);
    return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings)
{
    std::vector<char*> result;
    for (std::string& string : strings)
        result.push_back(string.data());
    result.push_back(nullptr);
    return result;
}

/// All that the child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct ChildPlan {
    const char* program;
    char** arguments;
    char** environment;
    const int* keep;
    std::size_t keep_count;
    const Limits* limits; // may be null
    int input;
    int output;
    int errors;
    int report; // where errno goes if it does not come to exec
    pid_t parent;
    int last_descriptor;
};

[[noreturn]] void report_and_exit(int report)
{
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
    ::_exit(127);
}

void mark_all_close_on_exec(int last_descriptor)
{
    if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    for (int number = 3; number <= last_descriptor; ++number) // before Linux 5.11
        ::fcntl(number, F_SETFD, FD_CLOEXEC);
}

bool set_limits(const Limits& limits)
{
    const auto set = [](auto resource, rlim_t soft, rlim_t hard) {
        rlimit limit = {};
        if (::getrlimit(resource, &limit) != 0)
            return false;
        limit.rlim_max = std::min(limit.rlim_max, hard); // what is not allowed here is not allowed there
        limit.rlim_cur = std::min(limit.rlim_max, soft);
        return ::setrlimit(resource, &limit) == 0;
    };
    const auto seconds = static_cast<rlim_t>(limits.cpu.count());
    return set(RLIMIT_AS, limits.address_space, limits.address_space) && set(RLIMIT_CPU, seconds, seconds + 1)
        && set(RLIMIT_FSIZE, limits.file_size, limits.file_size) && set(RLIMIT_CORE, 0, 0);
}

[[noreturn]] void become(const ChildPlan& plan)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent)
        ::_exit(127); // it died before prctl
    ::setpgid(0, 0);

    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number)
        ::sigaction(number, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    if (::dup2(plan.input, 0) < 0 || ::dup2(plan.output, 1) < 0 || ::dup2(plan.errors, 2) < 0)
        report_and_exit(plan.report);
    mark_all_close_on_exec(plan.last_descriptor);
    for (std::size_t i = 0; i < plan.keep_count; ++i)
        if (::fcntl(plan.keep[i], F_SETFD, 0) != 0)
            report_and_exit(plan.report);
    if (plan.limits != nullptr && !set_limits(*plan.limits))
        report_and_exit(plan.report);

    ::execve(plan.program, plan.arguments, plan.environment);
    report_and_exit(plan.report);
}

/// Forks with every signal blocked, so that no handler of this process ever runs in the child.
pid_t fork_into(const ChildPlan& plan)
{
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0)
        become(plan);
    const int error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return pid;
}

/// 0 once the child has become its program, else its errno.
int error_from(const Descriptor& report)
{
    int error = 0;
    ssize_t count = 0;
    do
        count = ::read(report.number(), &error, sizeof error);
    while (count < 0 && errno == EINTR);
    return count == sizeof error ? error : 0;
}

void reap(pid_t pid)
{
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) { }
}

Exit exit_from(const siginfo_t& info)
{
    if (info.si_code == CLD_EXITED)
        return {.status = info.si_status, .signal = 0};
    return {.status = 0, .signal = info.si_status};
}

} // namespace

std::string Exit::text() const
{
    if (signal == 0)
        return "exit code " + std::to_string(status);
    const char* abbreviation = ::sigabbrev_np(signal);
    const std::string number = "signal " + std::to_string(signal);
    return abbreviation ? number + " (SIG" + abbreviation + ")" : number;
}

Process::Process(const Command& command)
{
    const std::string where = command.program.string();
    if (::gettid() != ::getpid())
        throw Error(Code::Internal, "a process can be started from the main thread only", where,
            "it would die with the thread that started it");
    if (std::any_of(command.keep.begin(), command.keep.end(), [](int number) { return number < 3; }))
        throw Error(Code::Internal, "a child's standard descriptors cannot be kept", where);

    Descriptor input = above_standard(Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)), where);
    Pipe output = make_pipe(where);
    Pipe errors = make_pipe(where);
    Pipe report = make_pipe(where);

    std::vector<std::string> arguments = {where};
    arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
    std::vector<std::string> environment = merged_environment(command.environment);
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);

    pid_ = fork_into({.program = where.c_str(),
        .arguments = const_cast<char**>(argument_pointers.data()),
        .environment = const_cast<char**>(environment_pointers.data()),
        .keep = command.keep.data(),
        .keep_count = command.keep.size(),
        .limits = command.limits ? &*command.limits : nullptr,
        .input = input.number(),
        .output = output.writer.number(),
        .errors = errors.writer.number(),
        .report = report.writer.number(),
        .parent = ::getpid(),
        .last_descriptor = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20))});
    if (pid_ < 0)
        throw system_error("cannot start a process", where);

    report.writer.close();
    if (const int error = error_from(report.reader); error != 0) {
        reap(pid_);
        throw system_error("cannot start the program", where, error);
    }
    pidfd_ = ::pidfd_open(pid_, 0); // cannot hit another process: this one is reaped by nobody else
    if (pidfd_ < 0) {
        const int error = errno;
        ::kill(pid_, SIGKILL);
        reap(pid_);
        throw system_error("cannot follow a process", where, error);
    }
    set_non_blocking(output.reader);
    set_non_blocking(errors.reader);
    output_ = output.reader.release();
    errors_ = errors.reader.release();
}

Process::~Process()
{
    end();
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1))
    , pidfd_(std::exchange(other.pidfd_, -1))
    , output_(std::exchange(other.output_, -1))
    , errors_(std::exchange(other.errors_, -1))
    , exit_(std::exchange(other.exit_, std::nullopt))
{
}

Process& Process::operator=(Process&& other) noexcept
{
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(output_, other.output_);
    std::swap(errors_, other.errors_);
    std::swap(exit_, other.exit_);
    return *this;
}

void Process::signal(int number)
{
    if (!exit_ && pidfd_ >= 0)
        ::pidfd_send_signal(pidfd_, number, nullptr, 0);
}

std::optional<Exit> Process::try_reap()
{
    if (exit_ || pidfd_ < 0)
        return exit_;
    siginfo_t info = {};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid != 0)
            exit_ = exit_from(info);
    } else if (errno == ECHILD) {
        exit_ = Exit{}; // reaped by the kernel, as for a parent that ignores SIGCHLD: how it ended is not known
    }
    return exit_;
}

void Process::end()
{
    if (pidfd_ < 0)
        return;
    if (!exit_) {
        ::pidfd_send_signal(pidfd_, SIGKILL, nullptr, 0);
        siginfo_t info = {};
        while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_), &info, WEXITED) != 0 && errno == EINTR) { }
    }
    for (int* descriptor : {&output_, &errors_, &pidfd_}) {
        ::close(*descriptor);
        *descriptor = -1;
    }
}

} // namespace pipebd::launch
