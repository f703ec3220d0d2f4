#include "engine/report/reporter.h"

#include "engine/device/backend.h"
#include "experiment/metric_parts.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace pipebd::engine {

namespace {

constexpr double flush_interval = 50; // ms
constexpr std::size_t flush_size = 16 << 10;

} // namespace

Reporter::Reporter()
    : Reporter(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3))
{
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

Reporter::Reporter(int descriptor, double beat_interval)
    : descriptor_(descriptor)
    , beat_interval_(beat_interval)
{
}

Reporter::~Reporter()
{
    flush();
    close(descriptor_);
    if (copy_ >= 0)
        close(copy_);
}

void Reporter::copy_to(const std::filesystem::path& file)
{
    std::lock_guard lock(mutex_);
    write_all();
    std::error_code failure;
    std::filesystem::create_directories(file.parent_path(), failure);
    if (failure)
        throw system_error("cannot create the folder for metrics", file.parent_path().string(), failure.value());
    copy_ = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (copy_ < 0)
        throw system_error("cannot create the file for metrics", file.string());
    copy_file_ = file;
}

void Reporter::report(experiment::Metric metric)
{
    using Type = experiment::Metric::Type;
    metric.rank = rank_;
    double now = run_milliseconds();
    metric.t = now * 1e-3;
    const Type type = metric.type;
    std::string lines;
    for (const experiment::Metric& part : experiment::in_parts(std::move(metric)))
        lines += to_line(part) + '\n';
    std::lock_guard lock(mutex_);
    buffer_ += lines;
    bool gather = type == Type::Span || type == Type::Spans || type == Type::Loss || type == Type::Memory || type == Type::Step;
    if (!gather || now - last_flush_ > flush_interval || buffer_.size() > flush_size)
        write_all();
}

void Reporter::report(const Error& error)
{
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Error;
    {
        std::lock_guard lock(beat_mutex_);
        metric.step = step_;
    }
    metric.code = to_string(error.code());
    metric.what = error.problem();
    metric.where = error.where();
    metric.remedy = error.remedy();
    report(std::move(metric));
}

void Reporter::heartbeat(std::int64_t step, const std::string& instruction, int phase)
{
    {
        std::lock_guard lock(beat_mutex_);
        step_ = step;
        phase_ = phase;
        instruction_ = instruction;
    }
    pulse();
}

void Reporter::pulse()
{
    beat(true, {});
}

void Reporter::waiting(const std::string& doing)
{
    beat(false, doing);
}

void Reporter::on_heartbeat(std::function<void(bool)> callback)
{
    std::lock_guard lock(beat_mutex_);
    on_heartbeat_ = std::move(callback);
}

void Reporter::beat(bool works, const std::string& doing)
{
    std::unique_lock lock(beat_mutex_);
    worked_ |= works;
    const double now = run_milliseconds();
    if (now - last_beat_ < beat_interval_)
        return;
    last_beat_ = now;
    const bool worked = std::exchange(worked_, false);
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Heartbeat;
    metric.step = step_;
    metric.phase = phase_;
    metric.name = instruction_;
    if (!worked)
        metric.waiting = doing;
    if (on_heartbeat_)
        on_heartbeat_(worked);
    lock.unlock();
    report(std::move(metric));
}

void Reporter::flush()
{
    std::lock_guard lock(mutex_);
    write_all();
}

void Reporter::print(std::string_view text)
{
    std::lock_guard lock(mutex_);
    buffer_ += text;
    write_all();
}

void Reporter::write_copy()
{
    std::size_t written = 0;
    while (written < buffer_.size()) {
        ssize_t count = pwrite(copy_, buffer_.data() + written, buffer_.size() - written, copied_ + static_cast<off_t>(written));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        written += static_cast<std::size_t>(count);
    }
    if (written == buffer_.size()) {
        copied_ += static_cast<std::int64_t>(written);
        return;
    }
    const std::string what = system_error("metrics are missing from the file", copy_file_.string()).what();
    const bool whole = ftruncate(copy_, copied_) == 0; // else what is written next begins there all the same
    if (!said_incomplete_)
        std::fprintf(stderr, "pipebd-engine: warning: %s%s\n", what.c_str(), whole ? "" : "; its last line is cut off");
    said_incomplete_ = true;
}

void Reporter::write_all()
{
    if (copy_ >= 0 && !buffer_.empty())
        write_copy();
    std::size_t written = 0;
    while (written < buffer_.size()) {
        ssize_t count = write(descriptor_, buffer_.data() + written, buffer_.size() - written);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            _exit(1); // whoever followed this rank is gone
        written += static_cast<std::size_t>(count);
    }
    buffer_.clear();
    last_flush_ = run_milliseconds();
}

} // namespace pipebd::engine
