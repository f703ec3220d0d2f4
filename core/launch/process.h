// Process: one child process, started so that it cannot outlive or leak into anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::launch {

/// How a process ended.
struct Exit {
    int status = 0; // exit code, if `signal` is 0
    int signal = 0; // that killed it

    std::string text() const; // "exit code 3", "signal 9 (SIGKILL)"
};

/// What a process that opens files of strangers may use; set before the program starts (setrlimit). It leaves no core dump either.
struct Limits {
    std::uint64_t address_space = 0; // bytes, of program and libraries too
    std::chrono::seconds cpu{0}; // of all its threads together; then SIGXCPU
    std::uint64_t file_size = 0; // bytes of any one file that it writes
};

/// A child whose standard output and standard error are pipes that the caller reads.
///
/// It dies with its parent (PR_SET_PDEATHSIG), has 0 (/dev/null), 1, 2 and the descriptors in `keep` and no others, no signal
/// blocked or ignored, and a process group of its own, so that a terminal's Ctrl-C reaches the parent alone. It is signalled by
/// pidfd only.
class Process {
public:
    struct Command {
        std::filesystem::path program;
        std::vector<std::string> arguments;
        std::vector<std::string> environment; // laid over this process's: "NAME=value", or "NAME" to take it out
        std::vector<int> keep; // descriptors it inherits, under the same numbers; none below 3
        std::optional<Limits> limits = {}; // none: those of this process
    };

    /// Throws Error{Internal} unless called from the main thread (PDEATHSIG follows the parent thread), Error{NotFound} or
    /// {System} if the program cannot be started.
    explicit Process(const Command& command);
    ~Process(); // kills and reaps
    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;

    int pid() const { return pid_; }
    int pidfd() const { return pidfd_; } // readable once it has ended
    int output() const { return output_; } // non-blocking
    int errors() const { return errors_; } // non-blocking

    /// Does nothing once the process has ended.
    void signal(int number);

    /// How it ended; nothing while it lives.
    std::optional<Exit> try_reap();

private:
    void end();

    int pid_ = -1;
    int pidfd_ = -1;
    int output_ = -1;
    int errors_ = -1;
    std::optional<Exit> exit_;
};

} // namespace pipebd::launch
