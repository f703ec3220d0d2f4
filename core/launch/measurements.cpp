#include "launch/measurements.h"

#include "base/statistics.h"
#include "schedule/resume.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace pipebd::launch {

namespace {

constexpr double recent_seconds = 10;

std::uint32_t whole(std::int64_t step)
{
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(step, 0, std::numeric_limits<std::uint32_t>::max()));
}

std::ptrdiff_t tenth(const std::vector<float>& values)
{
    return std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(values.size()) / 10);
}

} // namespace

std::vector<double> phase_shares(const schedule::Timeline& timeline, std::size_t phases)
{
    constexpr double never = std::numeric_limits<double>::infinity();
    std::vector<std::pair<double, double>> extent(phases, {never, -never});
    for (const schedule::Span& span : timeline.spans) {
        auto& [start, end] = extent.at(static_cast<std::size_t>(span.phase));
        start = std::min(start, span.start);
        end = std::max(end, span.end);
    }
    std::vector<double> shares;
    for (const auto& [start, end] : extent)
        shares.push_back(end - start);
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares)
        share = std::isfinite(sum) && sum > 0 ? share / sum : 1.0 / static_cast<double>(phases);
    return shares;
}

std::int64_t Measurements::PhaseSteps::done() const
{
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const RankSteps& rank : ranks)
        if (rank.takes_part)
            least = std::min(least, rank.done);
    return participants > 0 ? least : done_before;
}

double Measurements::PhaseSteps::median_of(std::size_t rank) const
{
    const std::vector<float>& milliseconds = ranks[rank].milliseconds;
    if (milliseconds.empty())
        return 0;
    const auto warm = milliseconds.size() > 1 ? tenth(milliseconds) : 0;
    return median(std::vector<double>(milliseconds.begin() + warm, milliseconds.end()));
}

Measurements::Measurements(const schedule::Program& program, std::int64_t steps, int batch, std::vector<double> shares,
    const std::vector<std::int64_t>& done)
    : steps_(steps)
    , batch_(batch)
    , end_to_end_(program.end_to_end())
    , losses_(end_to_end_ ? 1 : static_cast<std::size_t>(program.blocks))
{
    const std::vector<std::vector<std::int64_t>> first = schedule::first_steps(program, done, steps);
    for (std::size_t i = 0; i < program.phases.size(); ++i) {
        PhaseSteps phase;
        phase.share = shares.at(i);
        phase.done_before = steps;
        for (std::int64_t begin : first[i]) {
            phase.ranks.push_back({.takes_part = begin < steps, .done = begin, .milliseconds = {}});
            phase.participants += begin < steps ? 1 : 0;
            phase.done_before = std::min(phase.done_before, begin);
        }
        phases_.push_back(std::move(phase));
    }
}

void Measurements::take(const experiment::Metric& metric, std::vector<store::Sample>& samples)
{
    using Type = experiment::Metric::Type;
    switch (metric.type) {
    case Type::Step:
        take_step(metric, samples);
        break;
    case Type::Loss:
        take_loss(metric, samples);
        break;
    case Type::Memory: {
        if (metric.phase < 0 || metric.phase >= static_cast<int>(phases_.size()) || metric.step < 0 || metric.step > steps_)
            break;
        const std::int64_t step = metric.phase * steps_ + metric.step;
        samples.push_back({{"memory_bytes", metric.rank, -1}, step, metric.t, static_cast<double>(metric.bytes)});
        samples.push_back({{"peak_memory_bytes", metric.rank, -1}, step, metric.t, static_cast<double>(metric.peak_bytes)});
        const auto add_if_known = [&](const char* name, double value) {
            if (value >= 0)
                samples.push_back({{name, metric.rank, -1}, step, metric.t, value});
        };
        add_if_known("device_memory_bytes", static_cast<double>(metric.device_bytes));
        add_if_known("utilisation", metric.utilisation);
        add_if_known("power_watts", metric.watts);
        break;
    }
    case Type::Eval: {
        const store::Series series{metric.name, -1, -1};
        samples.push_back({series, steps_done(), metric.t, metric.value});
        if (metric.name == "test_accuracy")
            accuracy_ = metric.value;
        break;
    }
    default:
        break;
    }
}

void Measurements::take_step(const experiment::Metric& metric, std::vector<store::Sample>& samples)
{
    if (metric.phase < 0 || metric.phase >= static_cast<int>(phases_.size()) || !(metric.ms >= 0))
        return;
    PhaseSteps& phase = phases_[static_cast<std::size_t>(metric.phase)];
    if (metric.rank < 0 || metric.rank >= static_cast<int>(phase.ranks.size()))
        return;
    RankSteps& rank = phase.ranks[static_cast<std::size_t>(metric.rank)];
    if (!rank.takes_part || metric.step < rank.done || metric.step >= steps_)
        return;
    rank.done = metric.step + 1;
    rank.milliseconds.push_back(static_cast<float>(metric.ms));
    const std::int64_t step = metric.phase * steps_ + metric.step;
    samples.push_back({{"step_ms", metric.rank, -1}, step, metric.t, metric.ms});

    const auto open = open_steps_.try_emplace({metric.phase, metric.step}).first;
    open->second.slowest = std::max(open->second.slowest, metric.ms);
    if (++open->second.ranks < phase.participants)
        return;
    if (open->second.slowest > 0)
        samples.push_back({{"throughput", -1, -1}, step, metric.t, 1000.0 * batch_ * phase.share / open->second.slowest});
    open_steps_.erase(open_steps_.begin(), std::next(open));

    recent_.emplace_back(metric.t, fraction_done());
    while (recent_.size() > 2 && recent_.front().first < metric.t - recent_seconds)
        recent_.pop_front();
}

void Measurements::take_loss(const experiment::Metric& metric, std::vector<store::Sample>& samples)
{
    const int block = end_to_end_ ? 0 : metric.block;
    if (block < 0 || block >= static_cast<int>(losses_.size()))
        return;
    const bool architecture = metric.name == "architecture";
    if (!architecture)
        losses_[static_cast<std::size_t>(block)].push_back({whole(metric.step), static_cast<float>(metric.value)});
    samples.push_back(
        {{architecture ? "architecture_loss" : "loss", -1, end_to_end_ ? -1 : block}, metric.step, metric.t, metric.value});
}

std::int64_t Measurements::steps_done() const
{
    return std::accumulate(phases_.begin(), phases_.end(), std::int64_t{0},
        [](std::int64_t sum, const PhaseSteps& phase) { return sum + phase.done(); });
}

double Measurements::fraction_done() const
{
    double fraction = 0;
    for (const PhaseSteps& phase : phases_)
        fraction += phase.share * static_cast<double>(phase.done()) / static_cast<double>(steps_);
    return fraction;
}

double Measurements::step() const
{
    std::vector<double> by_rank;
    double share_before = 0;
    for (const PhaseSteps& phase : phases_) {
        if (phase.participants == 0) {
            share_before += phase.share;
            continue;
        }
        by_rank.resize(phase.ranks.size());
        bool measured = false;
        for (std::size_t rank = 0; rank < phase.ranks.size(); ++rank) {
            const double milliseconds = phase.median_of(rank);
            measured = measured || milliseconds > 0;
            by_rank[rank] += milliseconds;
        }
        if (!measured)
            return 0;
    }
    return by_rank.empty() ? 0 : *std::max_element(by_rank.begin(), by_rank.end()) / (1 - share_before);
}

double Measurements::throughput() const
{
    const double milliseconds = step();
    return milliseconds > 0 ? 1000.0 * batch_ / milliseconds : recent_throughput();
}

double Measurements::recent_throughput() const
{
    if (recent_.size() < 2 || recent_.back().first <= recent_.front().first)
        return 0;
    const double rate = (recent_.back().second - recent_.front().second) / (recent_.back().first - recent_.front().first);
    return rate * static_cast<double>(steps_) * batch_;
}

double Measurements::seconds_left() const
{
    const double rate = recent_throughput() / (static_cast<double>(steps_) * batch_);
    return rate > 0 ? (1 - fraction_done()) / rate : -1;
}

namespace {

/// `figure` of each block's losses, up to the first block that has none.
template <typename Losses, typename Figure>
std::vector<double> by_block(const Losses& losses, Figure figure)
{
    std::vector<double> result;
    for (const auto& loss : losses) {
        if (loss.empty())
            break;
        result.push_back(figure(loss));
    }
    return result;
}

/// Of the losses [first, last).
template <typename Iterator>
double mean_value(Iterator first, Iterator last)
{
    const double sum = std::accumulate(first, last, 0.0, [](double total, const auto& loss) { return total + loss.value; });
    return sum / static_cast<double>(last - first);
}

/// How many steps a tenth of those from the first loss to the newest are.
template <typename Losses>
std::int64_t tenth_of_steps(const Losses& losses)
{
    return std::max<std::int64_t>(1, (std::int64_t{losses.back().step} - losses.front().step + 1) / 10);
}

} // namespace

std::vector<double> Measurements::newest_loss() const
{
    return by_block(losses_, [](const std::vector<Loss>& losses) -> double { return losses.back().value; });
}

std::vector<double> Measurements::first_loss() const
{
    return by_block(losses_, [](const std::vector<Loss>& losses) {
        const std::int64_t end = losses.front().step + tenth_of_steps(losses);
        const auto last = std::find_if(losses.begin() + 1, losses.end(), [&](const Loss& loss) { return loss.step >= end; });
        return mean_value(losses.begin(), last);
    });
}

std::vector<double> Measurements::final_loss() const
{
    return by_block(losses_, [](const std::vector<Loss>& losses) {
        const std::int64_t begin = losses.back().step - tenth_of_steps(losses);
        const auto first = std::find_if(losses.rbegin() + 1, losses.rend(), [&](const Loss& loss) { return loss.step <= begin; });
        return mean_value(first.base(), losses.end());
    });
}

} // namespace pipebd::launch
