// What the executor tells: losses, measured instructions, steps, memory.

#include "engine/executor.h"

#include "base/error.h"

#include <cmath>
#include <utility>

namespace pipebd::engine {

using experiment::Metric;

namespace {

constexpr double memory_interval = 200; // ms
constexpr double telemetry_interval = 1000; // ms; the driver may take one to answer

} // namespace

bool Executor::is_reported(std::int64_t step) const
{
    return reported_.contains(step) || step <= first_batch_ || step == steps_ - 1;
}

void Executor::report_losses(bool all)
{
    // Those of the newest step are left until the next one, by when the device is past them.
    while (!losses_.empty() && (all || losses_.front().step < step_ || !parts_.backend.lags())) {
        PendingLoss pending = std::move(losses_.front());
        losses_.pop_front();
        const double value = pending.value();
        Metric metric;
        metric.type = Metric::Type::Loss;
        metric.step = pending.batch;
        metric.phase = phase_;
        metric.block = pending.block;
        metric.value = value;
        if (pending.architecture)
            metric.name = "architecture";
        if (is_reported(pending.step) || !std::isfinite(value)) {
            parts_.reporter.report(metric);
            reported_.wrote(1, run_milliseconds());
        }
        if (!pending.architecture) {
            Mean& mean = mean_losses_[pending.block];
            mean.sum += metric.value;
            ++mean.count;
        }
        if (!std::isfinite(metric.value))
            throw Error(Code::NotFinite, "the loss is not a finite number",
                "step " + std::to_string(pending.batch) + ", block " + std::to_string(pending.block) + ", rank "
                    + std::to_string(parts_.transport.rank()),
                "use a smaller learning rate, or check the data and the initial weights");
    }
}

void Executor::report_span(std::int64_t step, int index, double start, double end)
{
    Metric metric;
    metric.type = Metric::Type::Span;
    metric.step = step;
    metric.phase = phase_;
    metric.index = index;
    metric.start = start;
    metric.end = end;
    parts_.reporter.report(std::move(metric));
}

void Executor::report_span(std::int64_t step, int index, const Pending& done)
{
    if (done.finished() >= 0)
        report_span(step, index, done.ready(), done.finished());
}

void Executor::report_spans()
{
    constexpr std::size_t most_in_a_line = 1000;
    Metric metric;
    metric.type = Metric::Type::Spans;
    metric.phase = phase_;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
        const MeasuredSpan& span = spans_[i];
        metric.step = span.step;
        metric.spans.push_back({span.index, parts_.backend.time(span.start), parts_.backend.time(span.end)});
        if (i + 1 < spans_.size() && spans_[i + 1].step == span.step && metric.spans.size() < most_in_a_line)
            continue;
        parts_.reporter.report(metric);
        metric.spans.clear();
    }
    spans_.clear();
}

void Executor::report_step(std::int64_t step)
{
    report_losses(false);
    double now = run_milliseconds();
    if (!spans_.empty() && (!parts_.backend.lags() || spans_.back().step < step))
        report_spans();

    ++unreported_;
    if (is_reported(step)) {
        Metric metric;
        metric.type = Metric::Type::Step;
        metric.step = step;
        metric.phase = phase_;
        metric.samples = batch_;
        metric.ms = (now - last_step_end_) / static_cast<double>(std::exchange(unreported_, 0));
        last_step_end_ = now;
        parts_.reporter.report(metric);
        reported_.wrote(1, now);
    }

    if (now - last_memory_ >= memory_interval)
        report_memory(step, now);
}

void Executor::report_memory(std::int64_t step, double now)
{
    last_memory_ = now;
    MemoryUse use = parts_.backend.memory();
    Metric metric;
    metric.type = Metric::Type::Memory;
    metric.step = step;
    metric.phase = phase_;
    metric.bytes = use.bytes;
    metric.peak_bytes = use.peak;
    if (telemetry_ && now - last_telemetry_ >= telemetry_interval) {
        last_telemetry_ = now;
        Telemetry::Reading reading = telemetry_->read(parts_.backend.pci_bus_id());
        metric.device_bytes = reading.bytes;
        metric.utilisation = reading.utilisation;
        metric.watts = reading.watts;
    }
    parts_.reporter.report(metric);
}

} // namespace pipebd::engine
