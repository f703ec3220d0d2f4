#include "engine/training/evaluate.h"

#include "engine/data/sample_stream.h"
#include "engine/training/loss.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace pipebd::engine {

namespace {

constexpr std::int64_t chunk = 64; // samples at a time
constexpr int several = 5;

at::Tensor through(const std::vector<Block*>& blocks, at::Tensor activation, const Context& context)
{
    for (Block* block : blocks)
        activation = block->forward(activation, context);
    return activation;
}

} // namespace

std::vector<Sample> samples_between(std::int64_t begin, std::int64_t end)
{
    std::vector<Sample> samples;
    for (; begin < end; ++begin)
        samples.push_back({.index = begin});
    return samples;
}

Accuracy test_accuracy(
    const std::vector<Block*>& blocks, const DataSet& data, at::Device device, const std::function<void(double)>& progress)
{
    at::NoGradGuard no_grad;
    const std::int64_t size = data.size(DataSet::Split::Test);
    const bool has_several = data.classes() >= several;
    std::int64_t correct = 0;
    std::int64_t nearly = 0;
    for (std::int64_t begin = 0; begin < size; begin += chunk) {
        if (progress)
            progress(static_cast<double>(begin) / static_cast<double>(size));
        const Batch batch = data.get(DataSet::Split::Test, samples_between(begin, std::min(size, begin + chunk)));
        const at::Tensor logits = through(blocks, batch.input.to(device), Context{});
        const at::Tensor labels = batch.labels.to(device);
        correct += count_correct(logits, labels);
        if (has_several)
            nearly += count_correct(logits, labels, several);
    }
    const auto share = [&](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(size); };
    return {share(correct), has_several ? std::optional<double>(share(nearly)) : std::nullopt};
}

void calibrate(const std::vector<Block*>& blocks, const experiment::Experiment& experiment, std::int64_t batches,
    const DataSet& data, at::Device device)
{
    at::NoGradGuard no_grad;
    SampleStream stream(experiment, data.size(DataSet::Split::Train));
    for (std::int64_t batch = 0; batch < batches; ++batch) {
        Context context;
        context.training = true;
        context.batch_norm_momentum = 1 / static_cast<double>(batch + 1);
        const Batch loaded = data.get(DataSet::Split::Train, stream.samples(batch, {0, experiment.data.batch}));
        through(blocks, loaded.input.to(device), context);
    }
}

} // namespace pipebd::engine
