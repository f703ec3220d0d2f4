#include "engine/training/step_report.h"

#include "base/error.h"
#include "engine/report/measured_steps.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipebd::engine {

using experiment::Metric;

namespace {

constexpr double memory_interval = 200; // ms
constexpr double telemetry_interval = 1000; // ms; the driver may take one to answer

/// Of one step of all phases, on the device that has most.
std::int64_t most_instructions(const schedule::Program& program)
{
    std::vector<std::int64_t> counts(static_cast<std::size_t>(program.devices()));
    for (const schedule::Phase& phase : program.phases)
        for (std::size_t device = 0; device < counts.size(); ++device)
            counts[device] += static_cast<std::int64_t>(phase.devices[device].instructions.size());
    return counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
}

} // namespace

StepReport::StepReport(const RunParts& parts)
    : parts_(parts)
    , most_instructions_(most_instructions(parts.spec.program))
{
    if (!parts.backend.pci_bus_id().empty())
        telemetry_ = std::make_unique<Telemetry>();
}

void StepReport::begin_phase(const RankPhase& phase)
{
    if (phase_ == nullptr)
        last_step_end_ = run_milliseconds();
    phase_ = &phase;
}

void StepReport::begin_step(std::int64_t step)
{
    place_ = {step, 0, is_measured(step, most_instructions_)};
}

void StepReport::begin(int index, const std::string& text)
{
    place_.index = index;
    parts_.reporter.heartbeat(place_.step, text, phase_->index);
}

void StepReport::computed(Mark start, Mark end)
{
    spans_.push_back({place_.step, place_.index, std::move(start), std::move(end)});
}

void StepReport::transferred(const Place& place, const Pending& done)
{
    if (!place.measured || done.finished() < 0)
        return;
    Metric metric;
    metric.type = Metric::Type::Span;
    metric.step = place.step;
    metric.phase = phase_->index;
    metric.index = place.index;
    metric.start = done.ready();
    metric.end = done.finished();
    parts_.reporter.report(std::move(metric));
}

void StepReport::loss(int block, std::int64_t batch, bool architecture, const at::Tensor& value)
{
    losses_.push_back({place_.step, batch, block, architecture, parts_.backend.read_later(value)});
}

std::optional<double> StepReport::take_loss(int block)
{
    const Mean mean = std::exchange(mean_losses_[block], {});
    return mean.count > 0 ? std::optional<double>(mean.sum / mean.count) : std::nullopt;
}

bool StepReport::is_reported(std::int64_t step) const
{
    return reported_.contains(step) || step <= phase_->begin || step == phase_->end - 1;
}

void StepReport::report_losses(bool all)
{
    // Those of the newest step are left until the next one, by when the device is past them.
    while (!losses_.empty() && (all || losses_.front().step < place_.step || !parts_.backend.lags())) {
        PendingLoss pending = std::move(losses_.front());
        losses_.pop_front();
        const double value = pending.value();
        Metric metric;
        metric.type = Metric::Type::Loss;
        metric.step = pending.batch;
        metric.phase = phase_->index;
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
            mean.sum += value;
            ++mean.count;
        }
        if (!std::isfinite(value))
            throw Error(Code::NotFinite, "the loss is not a finite number",
                "step " + std::to_string(pending.batch) + ", block " + std::to_string(pending.block) + ", rank "
                    + std::to_string(parts_.transport.rank()),
                "use a smaller learning rate, or check the data and the initial weights");
    }
}

void StepReport::report_spans()
{
    constexpr std::size_t most_in_a_line = 1000;
    Metric metric;
    metric.type = Metric::Type::Spans;
    metric.phase = phase_->index;
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

void StepReport::end_step()
{
    const std::int64_t step = place_.step;
    report_losses(false);
    const double now = run_milliseconds();
    if (!spans_.empty() && (!parts_.backend.lags() || spans_.back().step < step))
        report_spans();

    ++unreported_;
    if (is_reported(step)) {
        Metric metric;
        metric.type = Metric::Type::Step;
        metric.step = step;
        metric.phase = phase_->index;
        metric.samples = parts_.batch();
        metric.ms = (now - last_step_end_) / static_cast<double>(std::exchange(unreported_, 0));
        last_step_end_ = now;
        parts_.reporter.report(metric);
        reported_.wrote(1, now);
    }

    if (now - last_memory_ >= memory_interval)
        report_memory(now);
}

void StepReport::rest()
{
    report_losses(true);
    report_spans();
    report_memory(run_milliseconds());
}

void StepReport::report_memory(double now)
{
    last_memory_ = now;
    const MemoryUse use = parts_.backend.memory();
    Metric metric;
    metric.type = Metric::Type::Memory;
    metric.step = place_.step;
    metric.phase = phase_->index;
    metric.bytes = use.bytes;
    metric.peak_bytes = use.peak;
    if (telemetry_ && now - last_telemetry_ >= telemetry_interval) {
        last_telemetry_ = now;
        const Telemetry::Reading reading = telemetry_->read(parts_.backend.pci_bus_id());
        metric.device_bytes = reading.bytes;
        metric.utilisation = reading.utilisation;
        metric.watts = reading.watts;
    }
    parts_.reporter.report(metric);
}

} // namespace pipebd::engine
