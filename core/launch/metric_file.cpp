#include "launch/metric_file.h"

#include "base/error.h"

#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pipebd::launch {

namespace {

constexpr std::size_t line_limit = 1 << 20;
constexpr double longest_run = 1e9; // s
constexpr std::size_t bytes_at_once = 256 << 10;

int open_file(const std::filesystem::path& file)
{
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status = {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0)
        throw system_error("cannot read the metrics", file.string());
    if (S_ISREG(status.st_mode))
        return descriptor;
    ::close(descriptor);
    throw Error(Code::BadRequest, "this is not a metrics file", file.string());
}

} // namespace

MetricFile::MetricFile(std::filesystem::path file, int rank)
    : file_(std::move(file))
    , rank_(rank)
    , descriptor_(open_file(file_))
    , lines_(line_limit, LineReader::Overlong::Cut)
{
}

MetricFile::MetricFile(MetricFile&& other) noexcept
    : file_(std::move(other.file_))
    , rank_(other.rank_)
    , descriptor_(std::exchange(other.descriptor_, -1))
    , lines_(std::move(other.lines_))
    , parts_(std::move(other.parts_))
    , ready_(std::move(other.ready_))
    , at_end_(other.at_end_)
    , line_(other.line_)
    , left_out_(other.left_out_)
    , first_left_out_(std::move(other.first_left_out_))
{
}

MetricFile::~MetricFile()
{
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

std::optional<experiment::Metric> MetricFile::next()
{
    while (ready_.empty() && !at_end_)
        read_more();
    if (ready_.empty())
        return std::nullopt;
    experiment::Metric metric = std::move(ready_.front());
    ready_.pop_front();
    return metric;
}

void MetricFile::read_more()
{
    if (lines_.read(descriptor_, bytes_at_once, [this](std::string_view line) { take(line); }))
        return;
    at_end_ = true;
    const std::string last(lines_.rest()); // without a line break it may still be whole
    if (!last.empty())
        take(last);
}

void MetricFile::take(std::string_view line)
{
    ++line_;
    try {
        experiment::Metric metric = experiment::metric_from_line(line);
        if (metric.t < 0 || metric.t > longest_run)
            return leave_out("not a metric: its time is out of range");
        if (metric.rank != rank_ && metric.type != experiment::Metric::Type::Error) // a rank may fail before it knows its number
            return leave_out("it belongs to rank " + std::to_string(metric.rank));
        metric.rank = rank_;
        if (std::optional<experiment::Metric> whole = parts_.take(std::move(metric)))
            ready_.push_back(std::move(*whole));
    } catch (const Error& error) {
        if (error.code() == Code::Newer)
            throw Error(Code::Newer, error.problem(), place(), "use the version of this program that wrote it");
        leave_out(at_end_ ? "the last line is cut off" : error.problem());
    }
}

void MetricFile::leave_out(const std::string& why)
{
    if (++left_out_ == 1)
        first_left_out_ = place() + ": " + why;
}

std::string MetricFile::place() const
{
    return file_.string() + ":" + std::to_string(line_);
}

std::string MetricFile::left_out() const
{
    if (left_out_ == 0)
        return {};
    const std::int64_t more = left_out_ - 1;
    if (more == 0)
        return first_left_out_ + "; the line is skipped";
    return first_left_out_ + "; the line is skipped, and so are " + std::to_string(more) + (more == 1 ? " other" : " others");
}

} // namespace pipebd::launch
