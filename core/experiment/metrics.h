// Metrics: what a rank reports on its standard output, one JSON object a line (docs/formats/metrics.md).
//
//     {"v":1,"type":"step","t":12.345,"rank":0,"step":41,"phase":0,"samples":64,"ms":410.2}
//
// Anything may be added; readers skip types and keys they do not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

struct Metric {
    enum class Type {
        Hello,
        Met,
        Doing,
        Heartbeat,
        Step,
        Loss,
        Memory,
        Span,
        Spans,
        Eval,
        Checkpoint,
        Log,
        Error,
        Bye,
        Profile,
        Progress,
        Pair,
        Unknown
    };

    Type type = Type::Unknown;
    double t = 0; // seconds since the run's start (steady clock)
    int rank = 0;

    // Step: this rank has finished `step` (from 0) of `phase`; `samples` of the global batch, `ms` a step since the last one that
    // it reported. Loss: mean over the global batch, reported by one rank of the block's group. Heartbeat: where the interpreter
    // is. Doing: stopping at the end of round `step`, counted from 1 over all phases. Span: instruction `index` of the rank's
    // program in `phase` took [start, end), ms since the run's start. Spans: several of them.
    struct Interval {
        int index = 0;
        double start = 0;
        double end = 0;
    };

    std::int64_t step = 0;
    int phase = 0;
    int block = -1;
    int index = 0;
    int samples = 0;
    double ms = 0;
    double start = 0;
    double end = 0;
    double value = 0; // Loss, Eval; Progress: fraction done, 0 to 1
    std::int64_t bytes = 0; // Memory: in use; Hello: of the device
    std::int64_t peak_bytes = 0; // Memory
    std::int64_t device_bytes = -1; // Memory, as the driver says it: in use on the whole device; -1: not known
    double utilisation = -1; // the same: share of the time in which it computed, 0 to 1
    double watts = -1; // the same

    std::string name = {}; // Eval: "test_accuracy"; Hello: the device's name; Checkpoint: its folder; Heartbeat: the instruction;
                           // Doing: "training", "stopping" or "delivering"
    std::string text
        = {}; // Log: the message; Profile: pipebd.profile/1; Pair: pipebd.import/1; Hello: versions; Progress: what is being done
    std::string waiting
        = {}; // Heartbeat: what of others this rank waits for, and has only done so since its last one; empty: it works
    std::string code = {}, what = {}, where = {}, remedy = {}; // Error
    std::vector<Interval> spans = {}; // Spans
    int part = 0; // which part of a long text `text` is,
    int parts = 0; // of so many; 0: it is whole (metric_parts.h)
};

/// One line, without the line break.
std::string to_line(const Metric& metric);

/// Throws Error{Protocol} with the start of the line if it is not a metric, Error{Newer} if it is one of a later version than 1;
/// unknown types give Type::Unknown.
Metric metric_from_line(std::string_view line);

} // namespace pipebd::experiment
