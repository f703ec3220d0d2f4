// RunStore: one run's measurements, in one SQLite file, run.sqlite of the run folder.
//
// Once append() has returned, those samples survive SIGKILL of any process. After power loss the newest second may be missing;
// nothing is torn. One writer, the process that supervises the run and holds its RunLock; everyone else opens read-only and cannot
// checkpoint. Not thread-safe: give each thread its own.
#pragma once

#include "store/run_record.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pipebd::store {

class HeldLock;

/// The lock of a run folder: flock on `lock`, close-on-exec. Who holds it is the run's only writer.
class RunLock {
public:
    /// Waits up to `wait`; then throws Error{Locked} naming the holder's pid. A process is kept out by its own lock, too.
    explicit RunLock(const std::filesystem::path& run_folder, std::chrono::milliseconds wait = std::chrono::seconds(5));
    ~RunLock();
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;

private:
    std::shared_ptr<HeldLock> lock_;
};

/// Which curve: what is measured, of which rank and block (-1: of all).
struct Series {
    std::string name; // "throughput" (samples/s), "step_ms", "loss", "memory_bytes", "peak_memory_bytes",
                      // "device_memory_bytes", "utilisation" (0 to 1), "power_watts", "test_accuracy"
    int rank = -1;
    int block = -1;
    auto operator<=>(const Series&) const = default;
};

struct Sample {
    Series series;
    std::int64_t step = 0;
    double t = 0; // seconds since the run's start
    double value = 0; // may be NaN or infinite
};

/// A sample of a series that is known.
struct SamplePoint {
    double step = 0;
    double t = 0; // seconds since the run's start
    double value = 0; // may be NaN or infinite
};
using SamplePoints = std::map<Series, std::vector<SamplePoint>>; // each series in the order in which it was stored

/// A measured instruction; see schedule::Span.
struct MeasuredSpan {
    int rank = 0;
    int phase = 0;
    std::int64_t step = 0;
    int index = 0;
    double start = 0; // ms since the run's start
    double end = 0;
};

struct LogLine {
    double t = 0;
    int rank = -1; // -1: the supervisor
    std::string text;
};

class RunStore {
public:
    enum class Mode { Writer, ReadOnly };

    /// Throws Error{Newer} if a later version wrote it, Error{NotADatabase} if it is not ours, Error{Damaged}, Error{NotFound} if
    /// it is not there (a writer makes it), Error{Locked} if another writer has held it for `wait`. In all these the file is left
    /// as it was. A writer shares the RunLock that its process holds on the folder, or takes it for as long as it lives; a second
    /// writer in one process is Locked at once.
    RunStore(const std::filesystem::path& file, Mode mode, std::chrono::milliseconds wait = std::chrono::seconds(5));
    ~RunStore();
    RunStore(RunStore&&) noexcept;

    // -- the writer --

    /// Stores the record (its `state` may only go forward; throws Error{Internal} for a final state that would change).
    void save(const RunRecord& record);

    /// Text files that belong to the run, by name: "experiment", "spec", "profile", "plan", "program", "import".
    void save_document(const std::string& name, const std::string& text);

    /// Each stores all of its argument or nothing.
    void append(std::span<const Sample> samples);
    void append(std::span<const MeasuredSpan> spans);
    void append(std::span<const LogLine> lines);

    /// Seals the run, whose state must be final: a checksum over its rows, and back to the rollback journal with one over its file
    /// (both left to the next writer if a reader is open). Nothing can be stored any more: that throws Error{Internal}.
    void finish();

    // -- everyone --

    /// Queued, with the folder's name, if none was saved yet. Throws Error{Damaged}, as all below do.
    RunRecord record() const;
    std::string document(const std::string& name) const; // empty if there is none
    std::vector<Series> series() const;

    /// Samples of one series with rowid > `after`, in order; `after` becomes the last one's. Start with 0.
    std::vector<Sample> samples(const Series& series, std::int64_t& after) const;
    std::vector<Sample> samples(const Series& series) const;
    /// All series at once, in the order they were stored; for following a live run.
    std::vector<Sample> new_samples(std::int64_t& after) const;
    /// At most `most` of them, by series: the first after `after`. Empty if there are no more.
    SamplePoints new_points(std::int64_t& after, std::size_t most) const;
    /// About `count` samples from all over the run, in short rows, each series in order; what a first picture of a long run needs.
    /// Empty if there are not many more than that.
    SamplePoints overview(std::size_t count) const;
    std::vector<MeasuredSpan> spans() const;
    std::vector<LogLine> log(std::size_t last = 1000) const;

    /// Changes after each commit of another connection (PRAGMA data_version): cheap to poll.
    std::int64_t version() const;

    /// "ok", or what is wrong: integrity_check, and the checksums of a sealed run.
    std::string check() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace pipebd::store
