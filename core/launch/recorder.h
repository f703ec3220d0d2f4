// Recorder: puts what a run's ranks say into its store and its log.txt, a few times a second, and never stops listening for the
// disk.
//
// While the store cannot be written (a full disk), what comes in is kept in memory, the newest million samples of it, and stored
// once the store can be written again. Not thread-safe.
#pragma once

#include "experiment/metrics.h"
#include "launch/measurements.h"
#include "store/run_store.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace pipebd::launch {

class Recorder {
public:
    /// `store` and `measurements` outlive it; `log_file` is made or appended to.
    Recorder(store::RunStore& store, Measurements& measurements, const std::filesystem::path& log_file,
        std::chrono::steady_clock::time_point zero);

    void take(const experiment::Metric& metric);
    void log(int rank, const std::string& text); // now; rank -1: the supervisor

    /// Stores what has come in since the last time, and `record`. After a failure it tries again a second later, unless `now` is
    /// set.
    void flush(const store::RunRecord& record, bool now = false);

    /// Why nothing can be stored at present, in one line; empty if all is well.
    const std::string& trouble() const { return trouble_; }

private:
    void log_at(double t, int rank, const std::string& text);
    void store_all(const store::RunRecord& record);
    void keep_newest();

    store::RunStore& store_;
    Measurements& measurements_;
    std::ofstream log_;
    std::chrono::steady_clock::time_point zero_;
    std::chrono::steady_clock::time_point try_again_;
    std::vector<store::Sample> samples_;
    std::vector<store::MeasuredSpan> spans_;
    std::vector<store::LogLine> lines_;
    std::string trouble_;
};

} // namespace pipebd::launch
