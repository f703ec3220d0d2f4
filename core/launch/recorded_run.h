// RecordedRun: a run of the lab while it is being written: its folder and lock, its store, its record, and what its ranks say.
//
// One thread. Whoever writes a run, live or from files, does it by this.
#pragma once

#include "experiment/run_spec.h"
#include "launch/measurements.h"
#include "launch/recorder.h"
#include "launch/supervisor.h"
#include "launch/training.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

namespace pipebd::launch {

/// Texts that belong to a run, by the name of the document in its store.
using Documents = std::map<std::string, std::string>;

/// The file that a document is kept in beside the run's ranks: "spec.json" for "spec". Empty for one that has none.
std::string file_of_document(const std::string& name);

/// The trained student, its architecture and the supernet that it comes from, as far as they are in `from`.
void copy_student(const std::filesystem::path& from, const std::filesystem::path& to);

class RecordedRun {
public:
    /// Takes the folder's lock and stores the record as queued. `zero` is that of the times in metrics; `spec` is what the ranks
    /// are, or were, given.
    RecordedRun(const TrainingRequest& request, experiment::RunSpec spec, const store::Lab::NewRun& run,
        std::chrono::steady_clock::time_point zero);

    const experiment::RunSpec& spec() const { return spec_; }
    const Measurements& measurements() const { return measurements_; }
    const store::RunStore& store() const { return store_; }
    const store::RunRecord& record() const { return record_; }
    const std::string& trouble() const { return recorder_.trouble(); }

    /// Stores `documents`, puts the experiment and the spec into the folder, and turns the state to running, `started` then.
    void begin(const Documents& documents, const std::string& started);

    /// It has been told to stop, at the end of `step`; 0: that is not known yet.
    void stops(std::int64_t step) { record_.stopping = step; }

    void take(const experiment::Metric& metric) { recorder_.take(metric); }
    void log(int rank, const std::string& text) { recorder_.log(rank, text); }

    /// Brings the record up to date with the metrics, and stores what has come in if the store takes it; see Recorder::flush.
    void flush();

    /// The final state, once all that was measured is stored: who sees a final state sees all of the run. Throws Error if the disk
    /// does not take it.
    void end_as(const Outcome& outcome, const std::string& finished);
    void end_failed(const Error& error, const std::string& finished);
    void end_lost(const Error& error, const std::string& finished);

private:
    void end(store::RunState state, const std::string& finished);
    void measure();

    experiment::RunSpec spec_;
    store::RunLock lock_;
    store::RunStore store_;
    store::RunRecord record_;
    Measurements measurements_;
    Recorder recorder_;
};

} // namespace pipebd::launch
