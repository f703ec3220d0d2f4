// MachineBoard: what the launchers of several machines tell each other, by a file of each in the folder that they share
// (docs/formats/prepared.md). Each writes its own and reads the others'.
//
// One thread.
#pragma once

#include "base/error.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::launch {

enum class Stop { No, Gently, AtOnce }; // at once: nobody waits for what ranks have not saved yet

struct MachineState {
    int done = 0; // so many stages have ended here
    std::int64_t beat = 0; // grows while the launcher lives
    std::optional<Error> failure;
    bool may_be_consequence = false; // of that of another machine
    Stop stop = Stop::No; // its user wants the run to end
    bool finished = false;
};

class MachineBoard {
public:
    /// Throws Error{BadRequest} if this machine's share was launched from `folder` before.
    MachineBoard(std::filesystem::path folder, int machine, int machines);

    /// Tells the others that this launcher lives, at most once a second. Throws Error{DiskFull}, {System}.
    void beat();
    void stage_ended();
    void finish();
    void fail(const Error& error, bool may_be_consequence);

    /// The run is to end on all machines. What was said is never taken back: less than before changes nothing.
    void stop(Stop how);

    /// As far as it can be read; nothing if there is none.
    std::optional<MachineState> state_of(int machine) const;

    /// Those that have written nothing yet.
    std::vector<int> missing() const;

    /// Why the run cannot go on: what another machine says it failed of, its number in front; causes before consequences.
    std::optional<Error> failure_elsewhere(bool causes_only) const;

    /// The most that another machine wants, and which; nothing if none wants the run to end.
    struct Stopping {
        int machine = 0;
        Stop how = Stop::No;
    };
    std::optional<Stopping> stop_elsewhere() const;

    /// Throws Error{TimedOut} if `machine` has been watched for a minute and its launcher has not been heard of.
    void watch(int machine);

private:
    void write();
    std::filesystem::path file_of(int machine) const;

    struct Heard {
        std::int64_t beat = 0;
        std::chrono::steady_clock::time_point when;
    };

    std::filesystem::path folder_;
    int machine_;
    int machines_;
    MachineState own_;
    std::chrono::steady_clock::time_point written_;
    std::map<int, Heard> heard_;
};

} // namespace pipebd::launch
