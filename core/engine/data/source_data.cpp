#include "engine/data/source_data.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <thread>

namespace pipebd::engine {

namespace {

/// Calls body(i) for every i below `count`, on this thread and `helpers` more; if it throws, one of the exceptions comes out.
void share(std::size_t count, int helpers, const std::function<void(std::size_t)>& body)
{
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::exception_ptr failure;
    const auto work = [&] {
        for (std::size_t i = next++; i < count; i = next++) {
            try {
                body(i);
            } catch (...) {
                std::lock_guard lock(mutex);
                failure = failure ? failure : std::current_exception();
                next = count;
            }
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < count && static_cast<int>(i) <= helpers; ++i)
            threads.emplace_back(work);
        work();
    }
    if (failure)
        std::rethrow_exception(failure);
}

at::Tensor empty_input(std::int64_t rows, const Input& input)
{
    if (input.is_text())
        return at::empty({rows, input.shape[0]}, at::kLong);
    return at::empty({rows, input.shape[0], input.shape[1], input.shape[2]},
        at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
}

std::int64_t values_of(const Input& input)
{
    std::int64_t values = 1;
    for (std::int64_t size : input.shape)
        values *= size;
    return values;
}

} // namespace

SourceData::SourceData(std::unique_ptr<const Source> source, const experiment::Experiment& experiment, const Input& input,
    int classes, const Reading& reading)
    : source_(std::move(source))
    , data_(experiment.data)
    , seed_(experiment.seed)
    , input_(input)
    , classes_(classes)
    , reading_(reading)
{
    if (data_.held_out > 0)
        set_aside();
}

void SourceData::set_aside()
{
    const std::int64_t all = source_->size(Part::Train), aside = std::llround(data_.held_out * static_cast<double>(all));
    if (aside == 0 || aside == all)
        throw Error(Code::BadRequest,
            "of " + std::to_string(all) + " training samples, " + std::to_string(aside) + " would be held out", "data.held_out",
            "choose a share that leaves samples in both parts");
    for (std::size_t place : permutation(static_cast<std::size_t>(all), draw({seed_, coordinate("held out")})))
        (static_cast<std::int64_t>(held_out_.size()) < aside ? held_out_ : trained_).push_back(static_cast<std::int64_t>(place));
    std::ranges::sort(held_out_);
    std::ranges::sort(trained_);
}

std::int64_t SourceData::size(Split split) const
{
    if (split == Split::Test)
        return source_->size(Part::Test);
    const auto aside = static_cast<std::int64_t>(held_out_.size());
    return split == Split::HeldOut ? aside : source_->size(Part::Train) - aside;
}

std::int64_t SourceData::place_of(Split split, std::int64_t index) const
{
    if (split == Split::Test || held_out_.empty())
        return index;
    return (split == Split::HeldOut ? held_out_ : trained_)[static_cast<std::size_t>(index)];
}

Batch SourceData::get(Split split, std::span<const Sample> samples) const
{
    const auto rows = static_cast<std::int64_t>(samples.size());
    Batch batch{.input = empty_input(rows, input_), .labels = at::empty({rows}, at::kLong)};
    const std::int64_t values = values_of(input_);
    float* images = input_.is_text() ? nullptr : batch.input.mutable_data_ptr<float>();
    std::int64_t* texts = input_.is_text() ? batch.input.mutable_data_ptr<std::int64_t>() : nullptr;
    std::int64_t* labels = batch.labels.mutable_data_ptr<std::int64_t>();
    share(samples.size(), source_->is_slow() ? reading_.threads : 0, [&](std::size_t i) {
        const std::int64_t offset = static_cast<std::int64_t>(i) * values;
        labels[i] = read(split, samples[i],
            {.values = images == nullptr ? nullptr : images + offset, .tokens = texts == nullptr ? nullptr : texts + offset});
        if (reading_.progress)
            reading_.progress();
    });
    return batch;
}

std::int64_t SourceData::read(Split split, Sample sample, Source::Row row) const
{
    const Part part = split == Split::Test ? Part::Test : Part::Train;
    const std::int64_t all = size(split);
    for (std::int64_t i = 0; i < all; ++i) {
        const std::int64_t place = place_of(split, (sample.index + i) % all);
        if (is_broken(part, place))
            continue;
        std::optional<Draws> draws;
        if (split == Split::Train && data_.augment != "none")
            draws.emplace(
                draw({seed_, coordinate("augment"), static_cast<std::uint64_t>(sample.epoch), static_cast<std::uint64_t>(place)}));
        try {
            return source_->read(part, place, row, draws);
        } catch (const Error& error) {
            if (error.code() == Code::Internal || error.code() == Code::OutOfMemory)
                throw;
            add_broken(part, place, error);
        }
    }
    throw Error(Code::Damaged, "none of the " + std::to_string(all) + " samples can be read",
        "data.source = \"" + data_.source + "\"", "download the data again");
}

bool SourceData::is_broken(Part part, std::int64_t place) const
{
    std::lock_guard lock(mutex_);
    return broken_.contains({part, place});
}

void SourceData::add_broken(Part part, std::int64_t place, const Error& error) const
{
    std::lock_guard lock(mutex_);
    if (!broken_.emplace(part, place).second)
        return; // another thread met it at the same time
    if (static_cast<std::int64_t>(broken_.size()) > data_.broken_limit)
        throw Error(Code::Damaged,
            std::to_string(broken_.size()) + (broken_.size() == 1 ? " sample" : " samples")
                + " cannot be read, more than data.broken_limit allows; the last one: " + error.problem(),
            error.where(), "repair the data, or raise data.broken_limit");
    if (reading_.warn)
        reading_.warn("a sample cannot be read and is replaced by the next one: " + error.problem() + ": " + error.where());
}

} // namespace pipebd::engine
