// Reporter: a rank's metrics, as lines on the descriptor it was started with as standard output.
//
// They may be written to a file as well (copy_to). Descriptor 1 itself is pointed at standard error, before any library can write
// there. Thread-safe; but heartbeat() is for one thread, the interpreter's.
#pragma once

#include "base/error.h"
#include "experiment/metrics.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace pipebd::engine {

class Reporter {
public:
    /// Takes over descriptor 1. One a process, made before any library is called.
    Reporter();
    /// Writes to `descriptor`, and closes it; a heartbeat every so many milliseconds at most.
    explicit Reporter(int descriptor, double beat_interval = default_beat_interval);
    ~Reporter();
    Reporter(const Reporter&) = delete;

    /// From here on every line also goes to `file`, which is made anew; it holds whole lines at any time. What the disk does not
    /// take is left out of it, and said once on standard error. Throws Error{System} if it cannot be made.
    void copy_to(const std::filesystem::path& file);

    void set_rank(int rank) { rank_ = rank; }

    /// Fills in rank and time. Small lines are gathered for up to 50 ms.
    void report(experiment::Metric metric);
    void report(const Error& error);

    /// "I am at `instruction` of `step`", at most twice a second; cheap otherwise.
    void heartbeat(std::int64_t step, const std::string& instruction, int phase = 0);
    /// The same from inside a long instruction, or from a thread that reads data for it: repeats what the last one said.
    void pulse();
    /// "I wait for others: `doing`", as often. Says so only if there has been no work since the last of these three was written.
    void waiting(const std::string& doing);

    /// Called with every heartbeat that is written, by the thread that says it: `worked`, or only waits. Replaces the one before.
    void on_heartbeat(std::function<void(bool worked)> callback);

    void flush();

    /// Plain text on the descriptor of the metrics, for a process that reports none.
    void print(std::string_view text);

private:
    static constexpr double default_beat_interval = 500;

    void beat(bool works, const std::string& doing);
    void write_all();
    void write_copy();

    int descriptor_ = -1;
    int copy_ = -1;
    std::int64_t copied_ = 0; // bytes of whole lines
    bool said_incomplete_ = false;
    std::filesystem::path copy_file_;
    int rank_ = 0;
    std::mutex mutex_;
    std::string buffer_;
    double last_flush_ = 0;
    double beat_interval_;
    std::mutex beat_mutex_; // of what follows
    double last_beat_ = -1e9;
    std::int64_t step_ = 0;
    int phase_ = 0;
    std::string instruction_;
    bool worked_ = false; // since the last heartbeat
    std::function<void(bool)> on_heartbeat_;
};

} // namespace pipebd::engine
