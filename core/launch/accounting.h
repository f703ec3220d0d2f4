// Accounting: what the kernel knows of a process that has fallen silent: whether it is stopped, starves or waits for a disk.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>

namespace pipebd::launch {

/// Of one thread.
struct ThreadAccount {
    char state = 0; // R runs or could, S waits, D waits for a disk, T is stopped, ... as in /proc/PID/stat; 0: not known
    std::chrono::nanoseconds ran{}; // on a processor, so far
    std::chrono::nanoseconds kept{}; // runnable, but given no processor; of a wait that lasts it is counted once it is over
};

/// By thread; the process's own number is that of its first one. Empty if the process is gone or the kernel does not tell.
using ProcessAccount = std::map<int, ThreadAccount>;

ProcessAccount account_of(int pid, const std::filesystem::path& proc = "/proc");

} // namespace pipebd::launch
