// RunRecord: what is known of a run at a glance.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::store {

/// queued -> running -> finished | failed | cancelled | lost; the last four are final.
enum class RunState { Queued, Running, Finished, Failed, Cancelled, Lost };

std::string_view to_string(RunState state); // "queued"
RunState run_state_from_string(std::string_view name); // throws Error{Damaged}
bool is_final(RunState state);

/// Who a process is, so that a reused pid is not taken for it.
struct ProcessIdentity {
    int pid = 0;
    std::uint64_t start_time = 0; // field 22 of /proc/PID/stat: clock ticks since boot
    std::string boot_id; // /proc/sys/kernel/random/boot_id
    std::string host;
    bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity this_process();
bool is_alive(const ProcessIdentity& process); // false on another host or after another boot; looks, and signals nobody

/// ISO 8601, UTC, with milliseconds: "2026-01-31T09:05:00.250Z"; how every date of a record is written.
std::string utc_text(std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

struct RunRecord {
    int id = 0; // from the folder's name
    std::string name;
    std::string pair;
    std::string strategy;
    std::vector<std::string> devices;
    RunState state = RunState::Queued;
    std::string created; // ISO 8601, UTC
    std::string started; // empty until it runs
    std::string finished; // empty until its state is final
    std::int64_t steps = 0; // to do, summed over phases
    std::int64_t steps_done = 0; // by the slowest rank
    std::int64_t stopping = -1; // told to stop: the step at whose end it saves and ends, 0 until that is known; -1: not told
    double throughput = 0; // samples a second: all blocks advanced
    std::vector<double> first_loss; // by block: means over the first and the last tenth of the steps
    std::vector<double> final_loss;
    double accuracy = -1; // of the student on the test split, 0 to 1; -1: not measured
    std::string error; // one line; empty if none
    int culprit = -1; // the rank that failed first
    std::vector<std::string> last_lines; // of the culprit, if the run failed
    double predicted_step = 0; // ms, all blocks; 0: no prediction
    double measured_step = 0; // ms, median
    int resumed_from = 0; // the run whose checkpoint it went on from; 0: it began at the beginning
    std::string resumed_checkpoint; // that checkpoint's name
    std::string stage; // of the life of a pair: "teacher", "distil", "finetune"
    int weights_from = 0; // the run of the stage before, whose weights it began with; 0: of none
    ProcessIdentity supervisor;
    std::filesystem::path folder;
};

} // namespace pipebd::store
