// RunComparison: any number of runs side by side, as facts: keys and numbers, no formatting. The window, the command line and the
// report show the same ones.
//
// Runs are read only. Nothing here is tied to a thread: give each its own Lab.
#pragma once

#include "experiment/experiment.h"
#include "store/annotation.h"
#include "store/lab.h"
#include "store/run_details.h"
#include "store/run_record.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::store {

/// One of the runs. What of it cannot be read is left empty; its record then says why.
struct ComparedRun {
    RunRecord record;
    Annotation annotation;
    std::optional<experiment::Experiment> experiment; // as it was resolved
    RunDetails details;
};

enum class Better { Higher, Lower, NearerToNothing, Neither };
enum class Unit { SamplesPerSecond, Milliseconds, Seconds, Bytes, Share /* 0.25: a quarter */, Count, Number };

/// What came of the runs in one respect.
struct ComparedResult {
    std::string key; // see known_results()
    int block = -1; // of "first_loss" and "final_loss" of a network that is trained in blocks; else -1
    Better better = Better::Neither;
    Unit unit = Unit::Number;
    std::vector<std::optional<double>> values; // by run; finite
    std::vector<bool> best; // by run: better than, or as good as, every other run that is finished; none if all of them are equal
};

struct ComparedSetting {
    std::string key; // dotted, as in an experiment file
    std::vector<std::optional<std::string>> values; // by run; as JSON writes them, texts without quotes; none: the run has none
    bool differs = false; // between runs whose experiment is known
};

/// Mean and deviation of what runs with different seeds gave.
struct RepeatedResult {
    std::size_t count = 0; // of finished runs that have it
    double mean = 0;
    double deviation = 0; // of the sample: divided by count - 1; 0 of fewer than two
};

/// Runs whose settings are the same but for `seed` and `name`; two at least.
struct Repetition {
    std::vector<std::size_t> runs; // their places in RunComparison::runs
    std::vector<std::optional<RepeatedResult>> results; // by place in RunComparison::results; none if no finished run has it
};

struct RunComparison {
    std::vector<ComparedRun> runs; // as they were asked for
    std::vector<ComparedResult> results; // those that at least one of the runs has, in the order of known_results()
    std::vector<ComparedSetting> settings; // in the order of docs/formats/experiment.md
    std::vector<Repetition> repetitions; // by their first run
};

/// One kind of result: throughput, measured_step, predicted_step, prediction_error, wall_time, first_loss, final_loss,
/// test_accuracy, test_accuracy_top5, peak_memory, planned_memory, macs, parameters.
struct ResultKind {
    std::string_view key;
    Better better;
    Unit unit;
};
std::span<const ResultKind> known_results();

/// Each id once, whether it is softly deleted or not. Throws Error{NotFound} for a run that is not there.
RunComparison compare_runs(const Lab& lab, std::span<const int> ids);

/// The same of what has been read.
ComparedRun read_compared_run(const RunRecord& record, const Annotation& annotation);
RunComparison compare_runs(std::vector<ComparedRun> runs);

/// Seconds between start and end of a run; none if it has not ended or never began.
std::optional<double> wall_seconds(const RunRecord& run);

} // namespace pipebd::store
