#include "launch/recorder.h"

#include "base/error.h"
#include "base/text.h"

#include <cmath>
#include <cstdio>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kept = 1'000'000; // of each kind, while the store cannot be written
constexpr auto pause_after_failure = 1s;

template <typename Item>
void drop_oldest(std::vector<Item>& items)
{
    if (items.size() > kept) // half of them, so that it is seldom done
        items.erase(items.begin(), items.end() - static_cast<std::ptrdiff_t>(kept / 2));
}

/// Appends `items` and forgets them; they stay if that fails.
template <typename Item>
void move_into(store::RunStore& store, std::vector<Item>& items)
{
    if (!items.empty())
        store.append(std::span<const Item>(items));
    items.clear();
}

} // namespace

Recorder::Recorder(
    store::RunStore& store, Measurements& measurements, const std::filesystem::path& log_file, Clock::time_point zero)
    : store_(store)
    , measurements_(measurements)
    , log_(log_file, std::ios::app)
    , zero_(zero)
    , try_again_(zero)
{
}

void Recorder::take(const experiment::Metric& metric)
{
    using Type = experiment::Metric::Type;
    measurements_.take(metric, samples_);
    switch (metric.type) {
    case Type::Span:
        if (std::isfinite(metric.start) && std::isfinite(metric.end))
            spans_.push_back({metric.rank, metric.phase, metric.step, metric.index, metric.start, metric.end});
        break;
    case Type::Spans:
        for (const experiment::Metric::Interval& span : metric.spans)
            if (std::isfinite(span.start) && std::isfinite(span.end))
                spans_.push_back({metric.rank, metric.phase, metric.step, span.index, span.start, span.end});
        break;
    case Type::Log:
        log_at(metric.t, metric.rank, printable(metric.text));
        break;
    case Type::Checkpoint:
        log_at(metric.t, metric.rank, "checkpoint after " + std::to_string(metric.step) + " steps: " + printable(metric.name));
        break;
    case Type::Error:
        log_at(metric.t, metric.rank,
            std::string("error: ") + Error(code_from_string(metric.code), metric.what, metric.where, metric.remedy).what());
        break;
    default:
        break;
    }
    keep_newest();
}

void Recorder::log(int rank, const std::string& text)
{
    log_at(std::chrono::duration<double>(Clock::now() - zero_).count(), rank, text);
}

void Recorder::log_at(double t, int rank, const std::string& text)
{
    lines_.push_back({t, rank, text});
    char time[32];
    std::snprintf(time, sizeof time, "%10.3f ", t);
    log_ << time << (rank < 0 ? "supervisor" : "rank " + std::to_string(rank)) << ": " << text << '\n';
    keep_newest();
}

void Recorder::flush(const store::RunRecord& record, bool now)
{
    if (!now && Clock::now() < try_again_)
        return;
    try {
        store_all(record);
        trouble_.clear();
    } catch (const Error& error) {
        trouble_ = error.what();
        try_again_ = Clock::now() + pause_after_failure;
    }
}

void Recorder::store_all(const store::RunRecord& record)
{
    if (!log_.flush())
        log_.clear(); // those lines are in the store; later ones may find room
    move_into(store_, samples_);
    move_into(store_, spans_);
    move_into(store_, lines_);
    store_.save(record);
}

void Recorder::keep_newest()
{
    drop_oldest(samples_);
    drop_oldest(spans_);
    drop_oldest(lines_);
}

} // namespace pipebd::launch
