#include "engine/data/sample_stream.h"

#include "base/random.h"
#include "engine/data/architecture_steps.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace pipebd::engine {

namespace {

std::vector<std::int64_t> order_of_epoch(
    const experiment::Experiment& experiment, std::int64_t size, std::uint64_t name, std::int64_t epoch)
{
    std::vector<std::int64_t> order(static_cast<std::size_t>(size));
    if (experiment.data.shuffle)
        std::ranges::copy(
            permutation(order.size(), draw({experiment.seed, name, static_cast<std::uint64_t>(epoch)})), order.begin());
    else
        std::iota(order.begin(), order.end(), std::int64_t{0});
    return order;
}

} // namespace

SampleStream::SampleStream(const experiment::Experiment& experiment, std::int64_t size, std::string_view order)
    : experiment_(experiment)
    , size_(size)
    , order_(coordinate(order))
{
}

const std::vector<std::int64_t>& SampleStream::order_of(std::int64_t epoch)
{
    const auto [order, is_new] = orders_.try_emplace(epoch);
    if (is_new) {
        order->second = order_of_epoch(experiment_, size_, order_, epoch);
        if (orders_.size() > 2) // shards of a batch that lies in two epochs take turns
            orders_.erase(orders_.begin()->first == epoch ? std::prev(orders_.end()) : orders_.begin());
    }
    return order->second;
}

std::vector<Sample> SampleStream::samples(std::int64_t step, schedule::Rows rows)
{
    std::vector<Sample> samples;
    samples.reserve(static_cast<std::size_t>(rows.size()));
    const std::int64_t start = step * experiment_.data.batch, end = start + rows.end;
    for (std::int64_t position = start + rows.begin; position < end;) {
        const std::int64_t epoch = position / size_;
        const std::vector<std::int64_t>& order = order_of(epoch);
        for (; position < std::min(end, (epoch + 1) * size_); ++position)
            samples.push_back({order[static_cast<std::size_t>(position - epoch * size_)], epoch});
    }
    return samples;
}

std::vector<Sample> batch_samples(
    const experiment::Experiment& experiment, std::int64_t size, std::int64_t step, schedule::Rows rows)
{
    return SampleStream(experiment, size).samples(step, rows);
}

std::int64_t steps_of(const experiment::Experiment& experiment, std::int64_t size)
{
    if (experiment.train.steps)
        return *experiment.train.steps;
    const auto on_training_samples
        = static_cast<std::int64_t>(std::ceil(experiment.train.epochs * static_cast<double>(size) / experiment.data.batch));
    std::int64_t steps = on_training_samples;
    while (steps - ArchitectureSteps(experiment.architecture, steps).before(steps) < on_training_samples)
        ++steps;
    return steps;
}

} // namespace pipebd::engine
