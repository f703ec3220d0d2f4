#include "engine/profiler.h"

#include "engine/block_measurement.h"
#include "engine/data/loader.h"
#include "engine/figure.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>

namespace pipebd::engine {

using experiment::Experiment;
using schedule::BlockProfile;
using schedule::Profile;

namespace {

std::vector<int> first_ranks(int count)
{
    std::vector<int> ranks(static_cast<std::size_t>(count));
    std::iota(ranks.begin(), ranks.end(), 0);
    return ranks;
}

/// A number of samples to measure: the part of the batch of each of so many ranks, by these together; or just so many.
struct Size {
    int samples = 0;
    int ranks = 1;
    bool of_batch = true;

    bool is_whole_batch() const { return of_batch && ranks == 1; }
};

std::vector<Size> sizes_to_measure(int batch, int ranks, std::span<const std::int64_t> further)
{
    std::vector<Size> sizes;
    for (int count = 1; count <= ranks; ++count)
        sizes.push_back({schedule::shard_size(batch, count), count, true});
    for (const std::int64_t samples : further)
        if (std::ranges::find(sizes, samples, &Size::samples) == sizes.end())
            sizes.push_back({static_cast<int>(samples), 1, false});
    return sizes;
}

class Profiler {
public:
    Profiler(const Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend, Transport& transport,
        Reporter& reporter, std::span<const std::int64_t> further)
        : experiment_(experiment)
        , pair_(pair)
        , data_(data)
        , backend_(backend)
        , transport_(transport)
        , reporter_(reporter)
        , names_(pair.block_names())
        , sizes_(sizes_to_measure(experiment.data.batch, transport.size(), further))
        , steps_total_(static_cast<int>(sizes_.size() * names_.size()))
    {
        profile_.pair = experiment.pair;
        profile_.device = backend.name();
        profile_.dtype = experiment.run.dtype;
        profile_.batch = experiment.data.batch;
        profile_.samples = data.size(DataSet::Split::Train);
        profile_.blocks.resize(names_.size());
    }

    Profile run()
    {
        for (const Size& size : sizes_) {
            transport_.barrier();
            measure_size(size);
        }
        transport_.barrier();
        measure_all_reduce();
        measure_link();
        transport_.barrier();
        return profile_;
    }

private:
    void progress(const std::string& doing)
    {
        experiment::Metric metric;
        metric.type = experiment::Metric::Type::Progress;
        metric.value = static_cast<double>(steps_done_++) / steps_total_;
        metric.text = doing;
        reporter_.report(std::move(metric));
    }

    /// Loads as the executor does. On a CPU the rank's core makes the batches too; else only the copy holds up the device.
    at::Tensor measure_loading(const Size& size)
    {
        Experiment experiment = experiment_;
        if (!size.of_batch)
            experiment.data.batch = size.samples;
        constexpr int ahead = 3; // ready before they are asked for
        constexpr int batches = ahead + 2 * static_cast<int>(Figure::repeats);
        schedule::Instruction load;
        load.shard = {0, size.ranks};
        schedule::Rows rows{0, size.samples};
        Loader loader(experiment, data_, schedule::Program{.blocks = block_count(), .microbatches = 1, .phases = {}}, {load}, 0,
            batches, backend_.device(), ArchitectureSteps({}, batches));
        Figure loading;
        at::Tensor input;
        for (int batch = 0; batch < batches; ++batch) {
            double start = settled_milliseconds(backend_);
            Batch loaded = loader.next(batch, rows);
            double made = settled_milliseconds(backend_);
            input = loaded.input.to(backend_.device(), /*non_blocking=*/true);
            at::Tensor labels = loaded.labels.to(backend_.device(), /*non_blocking=*/true);
            if (batch >= ahead)
                loading.add(0, settled_milliseconds(backend_) - (backend_.device().is_cpu() ? start : made));
        }
        profile_.load[size.samples] = loading.mean();
        return input;
    }

    int block_count() const { return static_cast<int>(names_.size()); }

    /// All blocks: by the ranks of `size` together, by each of the others alone.
    void measure_size(const Size& size)
    {
        const at::Tensor data = measure_loading(size);
        Activations input{data, data};
        for (std::size_t block = 0; block < names_.size(); ++block) {
            progress(names_[block] + ", " + std::to_string(size.samples) + " samples is not possible");
            input = measure_block(static_cast<int>(block), size, input);
        }
    }

    /// How the student is run.
    Context context_of(const Size& size)
    {
        Context context;
        context.training = true;
        context.seed = experiment_.seed;
        if (size.ranks > 1 && transport_.rank() < size.ranks && experiment_.run.batch_norm == "sync")
            context.group = transport_.group(first_ranks(size.ranks));
        return context;
    }

    /// Returns the block's outputs.
    Activations measure_block(int block, const Size& size, const Activations& input)
    {
        const std::string& name = names_[static_cast<std::size_t>(block)];
        BlockProfile& result = profile_.blocks[static_cast<std::size_t>(block)];
        BlockMeasurement measurement(experiment_, pair_, block, context_of(size), backend_);
        measurement.run(input, [&](std::size_t repeat) { reporter_.heartbeat(static_cast<std::int64_t>(repeat), name); });
        measurement.store_passes(size.samples, result);
        if (size.is_whole_batch()) {
            result.name = name;
            measurement.store_sizes(size.samples, result);
            exchanged_bytes_.push_back(measurement.mean_gradient_bytes());
        }
        return measurement.output();
    }

    void measure_all_reduce()
    {
        at::TensorOptions options = at::TensorOptions().device(backend_.device()).dtype(at::kFloat);
        for (int ranks = 2; ranks <= transport_.size(); ++ranks) {
            if (transport_.rank() >= ranks)
                continue;
            for (std::size_t block = 0; block < names_.size(); ++block) {
                at::Tensor gradients = at::zeros({exchanged_bytes_[block] / 4 + 1}, options);
                Figure figure;
                for (std::size_t repeat = 0; repeat <= Figure::repeats * 2; ++repeat) {
                    reporter_.heartbeat(static_cast<std::int64_t>(repeat), "all-reduce");
                    double start = settled_milliseconds(backend_);
                    transport_.all_reduce(gradients, first_ranks(ranks))->wait();
                    if (repeat > 0)
                        figure.add(0, settled_milliseconds(backend_) - start);
                }
                profile_.blocks[block].all_reduce[ranks] = figure.mean();
            }
        }
    }

    /// Milliseconds from rank 0 to rank 1: half a round trip.
    double measure_transfer(std::int64_t bytes)
    {
        Edge there{0, 1, schedule::Payload::TeacherOutput};
        Edge back{1, 0, schedule::Payload::TeacherOutput};
        bool first = transport_.rank() == 0;
        at::Tensor tensor = at::zeros({bytes / 4}, at::TensorOptions().device(backend_.device()).dtype(at::kFloat));
        Figure figure;
        for (std::size_t repeat = 0; repeat <= Figure::repeats * 4; ++repeat) {
            reporter_.heartbeat(static_cast<std::int64_t>(repeat), "link");
            double start = settled_milliseconds(backend_);
            if (first)
                transport_.send(tensor, there)->wait();
            std::unique_ptr<Pending> received = transport_.receive(tensor, first ? back : there);
            received->wait();
            if (!first)
                transport_.send(tensor, back)->wait();
            if (repeat > 0)
                figure.add(0, (settled_milliseconds(backend_) - start) / 2);
        }
        return figure.mean();
    }

    void measure_link()
    {
        if (transport_.size() < 2 || transport_.rank() > 1)
            return;
        constexpr std::int64_t small = 4;
        std::int64_t large = 0;
        for (const BlockProfile& block : profile_.blocks)
            large = std::max(large, block.output_bytes * profile_.batch);
        large = std::max<std::int64_t>(large, 1 << 20);
        double latency = measure_transfer(small);
        double long_time = measure_transfer(large);
        profile_.link.latency = latency;
        profile_.link.bytes_per_ms = long_time > latency ? static_cast<double>(large) / (long_time - latency) : 0;
    }

    const Experiment& experiment_;
    const Pair& pair_;
    const DataSet& data_;
    Backend& backend_;
    Transport& transport_;
    Reporter& reporter_;
    std::vector<std::string> names_;
    std::vector<Size> sizes_;
    int steps_total_;
    int steps_done_ = 0;
    std::vector<std::int64_t> exchanged_bytes_; // of each block's gradients, mean over paths
    Profile profile_;
};

} // namespace

Topology profiling_topology(int ranks)
{
    Topology topology;
    if (ranks > 1)
        topology.edges = {{0, 1, schedule::Payload::TeacherOutput}, {1, 0, schedule::Payload::TeacherOutput}};
    for (int count = 2; count <= ranks; ++count)
        topology.groups.push_back(first_ranks(count));
    return topology;
}

Profile measure_profile(const Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend, Transport& transport,
    Reporter& reporter, std::span<const std::int64_t> further)
{
    return Profiler(experiment, pair, data, backend, transport, reporter, further).run();
}

} // namespace pipebd::engine
