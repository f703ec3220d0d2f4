// MetricFile: the lines that one rank has written to a file (docs/formats/metrics.md), read one after another.
#pragma once

#include "experiment/metric_parts.h"
#include "experiment/metrics.h"
#include "launch/line_reader.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::launch {

class MetricFile {
public:
    /// Throws Error{NotFound} or {System}.
    MetricFile(std::filesystem::path file, int rank);
    ~MetricFile();
    MetricFile(MetricFile&& other) noexcept;
    MetricFile(const MetricFile&) = delete;

    /// The next metric, with `rank` set; nothing at the end. A line that is no metric is left out. Throws Error{Newer} that names
    /// file and line, Error{System}.
    std::optional<experiment::Metric> next();

    /// In one line: which lines were left out so far, and why the first of them; empty if none were.
    std::string left_out() const;

private:
    void read_more();
    void take(std::string_view line);
    std::string place() const; // of the line that was taken last
    void leave_out(const std::string& why);

    std::filesystem::path file_;
    int rank_;
    int descriptor_;
    LineReader lines_;
    experiment::MetricParts parts_;
    std::deque<experiment::Metric> ready_;
    bool at_end_ = false;
    std::int64_t line_ = 0; // lines taken
    std::int64_t left_out_ = 0;
    std::string first_left_out_;
};

} // namespace pipebd::launch
