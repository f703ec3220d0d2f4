#include "engine/data.h"

#include "base/error.h"
#include "base/random.h"
#include "base/safetensors.h"
#include "engine/resources.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace pipebd::engine {

namespace {

at::Tensor empty_batch(std::int64_t rows, const std::vector<std::int64_t>& shape)
{
    return at::empty(
        {rows, shape[0], shape[1], shape[2]}, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
}

// The 8x8 digits, enlarged by bilinear interpolation and normalised. Every fifth one is for testing.
class Digits : public DataSet {
public:
    Digits(const std::vector<std::int64_t>& input_shape, int classes)
        : input_shape_(input_shape)
        , file_(resources::digits(), "resources/digits.safetensors")
        , images_(file_.find("images"))
        , labels_(file_.find("labels"))
    {
        if (!images_ || !labels_ || images_->dtype != DType::U8 || labels_->dtype != DType::U8 || images_->shape.size() != 3
            || labels_->shape != std::vector<std::int64_t>{images_->shape[0]})
            throw Error(
                Code::Damaged, "there are no digits in the file", "resources/digits.safetensors", "make it with make_digits.py");
        if (input_shape.size() != 3 || input_shape[0] != 1 || classes != class_count)
            throw Error(Code::BadRequest, "the pair does not take grey images of 10 classes", "data.source = \"digits\"",
                "choose a pair that does, or data.source = \"synthetic\"");
    }

    std::int64_t size(Split split) const override
    {
        const std::int64_t all = images_->shape[0], test = all / part;
        return split == Split::Test ? test : all - test;
    }

    int classes() const override { return class_count; }

    Batch get(Split split, const std::vector<std::int64_t>& indices, std::uint64_t) const override
    {
        const std::int64_t rows = static_cast<std::int64_t>(indices.size()), height = images_->shape[1], width = images_->shape[2];
        at::Tensor small = at::empty({rows, 1, height, width}, at::TensorOptions(at::kFloat));
        Batch batch{.input = {}, .labels = at::empty({rows}, at::TensorOptions(at::kLong))};
        float* pixel = small.mutable_data_ptr<float>();
        std::int64_t* label = batch.labels.mutable_data_ptr<std::int64_t>();
        for (std::int64_t index : indices) {
            const std::int64_t sample
                = split == Split::Test ? index * part + part - 1 : index / (part - 1) * part + index % (part - 1);
            for (std::byte grey :
                images_->data.subspan(static_cast<std::size_t>(sample * height * width), static_cast<std::size_t>(height * width)))
                *pixel++ = (static_cast<float>(grey) / white - mean) / deviation;
            *label++ = std::to_integer<std::int64_t>(labels_->data[static_cast<std::size_t>(sample)]);
        }
        batch.input = empty_batch(rows, input_shape_);
        batch.input.copy_(at::upsample_bilinear2d(small, {input_shape_[1], input_shape_[2]}, false));
        return batch;
    }

private:
    static constexpr int class_count = 10;
    static constexpr std::int64_t part = 5;
    static constexpr float white = 16, mean = 0.3058F, deviation = 0.3764F; // of the training samples' grey values, 0 to 1

    std::vector<std::int64_t> input_shape_;
    SafetensorsFile file_;
    const TensorView* images_;
    const TensorView* labels_;
};

// Noise of mean 0 and deviation 1, each sample a function of its split and index: for measuring, not for learning.
class Synthetic : public DataSet {
public:
    Synthetic(const std::vector<std::int64_t>& input_shape, int classes)
        : input_shape_(input_shape)
        , classes_(classes)
    {
    }

    std::int64_t size(Split split) const override { return split == Split::Test ? 512 : 4096; }
    int classes() const override { return classes_; }

    Batch get(Split split, const std::vector<std::int64_t>& indices, std::uint64_t) const override
    {
        const std::int64_t rows = static_cast<std::int64_t>(indices.size());
        Batch batch{.input = empty_batch(rows, input_shape_), .labels = at::empty({rows}, at::TensorOptions(at::kLong))};
        float* value = batch.input.mutable_data_ptr<float>();
        std::int64_t* label = batch.labels.mutable_data_ptr<std::int64_t>();
        const std::int64_t values = input_shape_[0] * input_shape_[1] * input_shape_[2];
        for (std::int64_t index : indices) {
            const std::uint64_t sample
                = draw({coordinate(split == Split::Test ? "test" : "train"), static_cast<std::uint64_t>(index)});
            *label++ = static_cast<std::int64_t>(below(static_cast<std::uint64_t>(classes_), mix(sample)));
            for (std::int64_t i = 0; i < values; ++i)
                *value++ = uniform(mix(sample + static_cast<std::uint64_t>(i) + 1));
        }
        return batch;
    }

private:
    // In [-sqrt(3), sqrt(3)), from the upper 24 bits.
    static float uniform(std::uint64_t bits) { return (static_cast<float>(bits >> 40) * 0x1p-23F - 1) * 1.7320508F; }

    std::vector<std::int64_t> input_shape_;
    int classes_;
};

std::vector<std::int64_t> order_of_epoch(const experiment::Experiment& experiment, std::int64_t size, std::int64_t epoch)
{
    std::vector<std::int64_t> order(static_cast<std::size_t>(size));
    if (experiment.data.shuffle)
        std::ranges::copy(
            permutation(order.size(), draw({experiment.seed, coordinate("order"), static_cast<std::uint64_t>(epoch)})),
            order.begin());
    else
        std::iota(order.begin(), order.end(), std::int64_t{0});
    return order;
}

} // namespace

std::unique_ptr<DataSet> open_data(const experiment::Experiment& experiment, const Input& input, int classes)
{
    const std::string& source = experiment.data.source;
    if (experiment.data.augment != "none")
        throw Error(Code::BadRequest, "this data is not augmented", "data.augment = \"" + experiment.data.augment + "\"",
            "set it to \"none\"");
    if (source == "digits")
        return std::make_unique<Digits>(input.shape, classes);
    if (source == "synthetic")
        return std::make_unique<Synthetic>(input.shape, classes);
    throw Error(
        Code::BadRequest, "there is no such source", "data.source = \"" + source + "\"", "choose one of: digits, synthetic");
}

SampleStream::SampleStream(const experiment::Experiment& experiment, std::int64_t size)
    : experiment_(experiment)
    , size_(size)
{
}

const std::vector<std::int64_t>& SampleStream::order_of(std::int64_t epoch)
{
    const auto [order, is_new] = orders_.try_emplace(epoch);
    if (is_new) {
        order->second = order_of_epoch(experiment_, size_, epoch);
        if (orders_.size() > 2) // shards of a batch that lies in two epochs take turns
            orders_.erase(orders_.begin()->first == epoch ? std::prev(orders_.end()) : orders_.begin());
    }
    return order->second;
}

std::vector<std::int64_t> SampleStream::indices(std::int64_t step, schedule::Rows rows)
{
    std::vector<std::int64_t> indices;
    indices.reserve(static_cast<std::size_t>(rows.size()));
    const std::int64_t start = step * experiment_.data.batch, end = start + rows.end;
    for (std::int64_t position = start + rows.begin; position < end;) {
        const std::int64_t epoch = position / size_;
        const std::vector<std::int64_t>& order = order_of(epoch);
        for (; position < std::min(end, (epoch + 1) * size_); ++position)
            indices.push_back(order[static_cast<std::size_t>(position - epoch * size_)]);
    }
    return indices;
}

std::vector<std::int64_t> batch_indices(
    const experiment::Experiment& experiment, std::int64_t size, std::int64_t step, schedule::Rows rows)
{
    return SampleStream(experiment, size).indices(step, rows);
}

std::int64_t steps_of(const experiment::Experiment& experiment, std::int64_t size)
{
    if (experiment.train.steps)
        return *experiment.train.steps;
    return static_cast<std::int64_t>(std::ceil(experiment.train.epochs * static_cast<double>(size) / experiment.data.batch));
}

} // namespace pipebd::engine
