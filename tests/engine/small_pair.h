// A pair small enough to reason about: `blocks` linear layers without bias, 4 inputs each, and data to go with it.
#pragma once

#include "base/random.h"
#include "engine/data/sample_stream.h"
#include "engine/models/block.h"
#include "engine/training/models.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <memory>
#include <string>
#include <vector>

namespace pipebd::test {

constexpr std::int64_t width = 4;

/// Values in [-1, 1) as a function of `seed` and the place in the tensor.
inline at::Tensor numbers(std::vector<std::int64_t> shape, std::uint64_t seed)
{
    at::Tensor tensor = at::empty(shape, at::kFloat);
    auto* values = tensor.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i)
        values[i] = static_cast<float>(below(2000, draw({seed, static_cast<std::uint64_t>(i)}))) / 1000.0F - 1.0F;
    return tensor;
}

class LinearBlock final : public engine::Block {
public:
    explicit LinearBlock(int block, std::uint64_t seed)
    {
        parameters_.push_back({"block" + std::to_string(block) + ".weight", numbers({width, width}, seed).requires_grad_(true)});
    }

    at::Tensor forward(const at::Tensor& input, const engine::Context&) override
    {
        return at::linear(input, parameters_[0].tensor);
    }
};

class LinearPair : public engine::Pair {
public:
    explicit LinearPair(int blocks)
        : blocks_(blocks)
    {
    }

    std::string_view name() const override { return "linear"; }
    std::vector<std::string> block_names() const override
    {
        return std::vector<std::string>(static_cast<std::size_t>(blocks_), "linear");
    }
    engine::Input input() const override { return {.shape = {width}}; }
    int classes() const override { return static_cast<int>(width); }
    std::unique_ptr<engine::Block> make_teacher(int block, std::uint64_t) const override
    {
        return std::make_unique<LinearBlock>(block, 1000 + static_cast<std::uint64_t>(block));
    }
    std::unique_ptr<engine::Block> make_student(int block, std::uint64_t seed) const override
    {
        return std::make_unique<LinearBlock>(block, draw({seed, static_cast<std::uint64_t>(block)}));
    }

private:
    int blocks_;
};

/// Every block of `pair`, as a run with all of them on one device has them.
inline engine::Models all_models(const engine::Pair& pair, const experiment::Train& train)
{
    engine::Models models;
    for (int block = 0; block < static_cast<int>(pair.block_names().size()); ++block) {
        models.teacher[block] = pair.make_teacher(block, 0);
        freeze(*models.teacher[block]);
        models.student[block] = pair.make_student(block, 0);
        models.optimizer[block] = make_optimizer(train, *models.student[block]);
    }
    return models;
}

class NumberData final : public engine::DataSet {
public:
    std::int64_t size(Split) const override { return 40; }
    int classes() const override { return static_cast<int>(width); }
    engine::Batch get(Split, std::span<const engine::Sample> samples) const override
    {
        auto rows = static_cast<std::int64_t>(samples.size());
        engine::Batch batch{at::empty({rows, width}, at::kFloat), at::zeros({rows}, at::kLong)};
        for (std::int64_t row = 0; row < rows; ++row) {
            auto index = static_cast<std::uint64_t>(samples[static_cast<std::size_t>(row)].index);
            batch.input.select(0, row).copy_(numbers({width}, index));
            batch.labels.mutable_data_ptr<std::int64_t>()[row] = static_cast<std::int64_t>(index) % width;
        }
        return batch;
    }
};

} // namespace pipebd::test
