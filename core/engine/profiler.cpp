#include "engine/profiler.h"

#include "base/random.h"
#include "base/statistics.h"
#include "engine/data/loader.h"
#include "engine/models/precision.h"
#include "engine/models/sampled_paths.h"
#include "engine/training/loss.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace pipebd::engine {

using experiment::Experiment;
using schedule::BlockProfile;
using schedule::Profile;

namespace {

constexpr std::size_t repeats = 3; // of each path, after one that is not counted

/// The repeats of one figure, by path.
class Figure {
public:
    explicit Figure(const std::vector<SampledPath>& paths = std::vector<SampledPath>(1))
    {
        for (const SampledPath& path : paths)
            paths_.push_back({path.weight, {}});
    }

    void add(std::size_t path, double milliseconds) { paths_[path].repeats.push_back(milliseconds); }

    /// The mean over paths of the median of their repeats.
    double mean() const
    {
        double sum = 0;
        for (const Path& path : paths_)
            sum += path.weight * median(path.repeats);
        return sum;
    }

    /// (p90 - p10) / median of all repeats of all paths.
    double spread() const
    {
        std::vector<Weighed> all;
        for (const Path& path : paths_)
            std::ranges::copy(all_of(path), std::back_inserter(all));
        double middle = quantile(all, 0.5);
        return middle > 0 ? (quantile(all, 0.9) - quantile(all, 0.1)) / middle : 0;
    }

private:
    struct Path {
        double weight;
        std::vector<double> repeats;
    };
    struct Weighed {
        double value;
        double weight;
    };

    static std::vector<Weighed> all_of(const Path& path)
    {
        std::vector<Weighed> all;
        for (double value : path.repeats)
            all.push_back({value, path.weight});
        return all;
    }

    /// The value below which a share `q` of the weight lies: each value stands in the middle of its own weight.
    static double quantile(std::vector<Weighed> sorted, double q)
    {
        std::ranges::sort(sorted, {}, &Weighed::value);
        double total = 0;
        for (const Weighed& one : sorted)
            total += one.weight;
        double below = 0, position = 0, value = sorted.front().value;
        for (const Weighed& one : sorted) {
            double here = (below + one.weight / 2) / total;
            if (here >= q)
                return here > position ? value + (one.value - value) * (q - position) / (here - position) : one.value;
            below += one.weight;
            position = here;
            value = one.value;
        }
        return value;
    }

    std::vector<Path> paths_;
};

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
    double now()
    {
        backend_.synchronize();
        return run_milliseconds();
    }

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
        constexpr int batches = ahead + 2 * static_cast<int>(repeats);
        schedule::Instruction load;
        load.shard = {0, size.ranks};
        schedule::Rows rows{0, size.samples};
        Loader loader(experiment, data_, schedule::Program{.blocks = block_count(), .microbatches = 1, .phases = {}}, {load}, 0,
            batches, backend_.device(), ArchitectureSteps({}, batches));
        Figure loading;
        at::Tensor input;
        for (int batch = 0; batch < batches; ++batch) {
            double start = now();
            Batch loaded = loader.next(batch, rows);
            double made = now();
            input = loaded.input.to(backend_.device(), /*non_blocking=*/true);
            at::Tensor labels = loaded.labels.to(backend_.device(), /*non_blocking=*/true);
            if (batch >= ahead)
                loading.add(0, now() - (backend_.device().is_cpu() ? start : made));
        }
        profile_.load[size.samples] = loading.mean();
        return input;
    }

    int block_count() const { return static_cast<int>(names_.size()); }

    struct Activations {
        at::Tensor teacher;
        at::Tensor student; // the teacher's, unless blocks of the two give different shapes
    };

    /// All blocks: by the ranks of `size` together, by each of the others alone.
    void measure_size(const Size& size)
    {
        const at::Tensor data = measure_loading(size);
        Activations input{data, data};
        for (std::size_t block = 0; block < names_.size(); ++block) {
            progress(names_[block] + ", " + std::to_string(size.samples) + " samples");
            input = measure_block(static_cast<int>(block), size, input);
        }
    }

    /// Returns the block's outputs.
    Activations measure_block(int block, const Size& size, const Activations& input)
    {
        const int samples = size.samples;
        Models models = Models::make(experiment_, pair_, std::set<int>{block}, std::set<int>{block}, backend_.device());
        Block& teacher = *models.teacher.at(block);
        Block& student = *models.student.at(block);
        Optimizer& optimizer = *models.optimizer.at(block);
        BlockProfile& result = profile_.blocks[static_cast<std::size_t>(block)];
        const std::string& loss_name = loss_of(experiment_.distill, block, block_count());

        Context context;
        context.training = true;
        context.seed = experiment_.seed;
        if (size.ranks > 1 && transport_.rank() < size.ranks && experiment_.run.batch_norm == "sync")
            context.group = transport_.group(first_ranks(size.ranks));

        // The warm-up, on paths of which one is the largest, is also what memory is measured on.
        const std::vector<SampledPath> warm_up = uniform_paths(student.cells());
        const std::vector<SampledPath> sampled
            = sample_paths(student.cells(), draw({experiment_.seed, static_cast<std::uint64_t>(block)}));
        Figure teacher_forward, student_forward(sampled), student_backward(sampled), update(sampled);
        std::int64_t peak = 0;
        std::int64_t gradient_bytes = 0;
        double mean_gradient_bytes = 0;
        at::Tensor output;
        at::Tensor student_output;
        for (std::size_t repeat = 0; repeat <= repeats; ++repeat) {
            const std::vector<SampledPath>& paths = repeat == 0 ? warm_up : sampled;
            for (std::size_t path = 0; path < paths.size(); ++path) {
                reporter_.heartbeat(static_cast<std::int64_t>(repeat), names_[static_cast<std::size_t>(block)]);
                student.choose(paths[path].candidates);
                double start = now();
                if (path < repeats)
                    output = teach(teacher, input.teacher, experiment_.run.dtype);
                double teacher_done = now();

                backend_.reset_peak();
                std::int64_t before = backend_.memory().bytes;
                double forward_start = now();
                at::Tensor value;
                {
                    Precision precision(experiment_.run.dtype, backend_.device().type());
                    student_output = student.forward(input.student, context);
                    const bool comparable = student_output.sizes() == output.sizes();
                    value = distillation_loss(loss_name, student_output, comparable ? output : at::zeros_like(student_output));
                    student_output = comparable ? output : student_output.detach();
                }
                double forward_done = now();
                torch::autograd::backward({value}, {});
                double backward_done = now();
                peak = std::max(peak, backend_.memory().peak - before);
                value = at::Tensor();

                std::vector<std::size_t> active = student.active_parameters(context);
                std::int64_t bytes = 0;
                for (std::size_t index : active)
                    bytes += static_cast<std::int64_t>(student.parameters()[index].tensor.nbytes());
                gradient_bytes = std::max(gradient_bytes, bytes);
                if (repeat == 1)
                    mean_gradient_bytes += paths[path].weight * static_cast<double>(bytes);
                double update_start = now();
                {
                    at::NoGradGuard no_grad;
                    optimizer.update(active, 0.0);
                }
                double update_done = now();

                if (repeat == 0)
                    continue;
                if (path < repeats)
                    teacher_forward.add(0, teacher_done - start);
                student_forward.add(path, forward_done - forward_start);
                student_backward.add(path, backward_done - forward_done);
                update.add(path, update_done - update_start);
            }
        }
        result.teacher_forward[samples] = teacher_forward.mean();
        result.student_forward[samples] = student_forward.mean();
        result.student_backward[samples] = student_backward.mean();
        result.spread["teacher_forward"][samples] = teacher_forward.spread();
        result.spread["student_forward"][samples] = student_forward.spread();
        result.spread["student_backward"][samples] = student_backward.spread();
        if (size.is_whole_batch()) {
            result.name = names_[static_cast<std::size_t>(block)];
            result.update = result.teacher_update = update.mean();
            result.spread["update"][samples] = update.spread();
            result.output_bytes = static_cast<std::int64_t>(output.nbytes()) / samples;
            result.activation_bytes = std::max<std::int64_t>(0, peak - gradient_bytes) / samples;
            result.teacher_bytes = bytes_of(teacher.parameters()) + bytes_of(teacher.buffers());
            result.student_bytes = bytes_of(student.parameters()) + bytes_of(student.buffers());
            result.gradient_bytes = gradient_bytes;
            exchanged_bytes_.push_back(static_cast<std::int64_t>(mean_gradient_bytes));
            result.optimizer_bytes = bytes_of(optimizer.state());
        }
        return {output, student_output};
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
                for (std::size_t repeat = 0; repeat <= repeats * 2; ++repeat) {
                    reporter_.heartbeat(static_cast<std::int64_t>(repeat), "all-reduce");
                    double start = now();
                    transport_.all_reduce(gradients, first_ranks(ranks))->wait();
                    if (repeat > 0)
                        figure.add(0, now() - start);
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
        for (std::size_t repeat = 0; repeat <= repeats * 4; ++repeat) {
            reporter_.heartbeat(static_cast<std::int64_t>(repeat), "link");
            double start = now();
            if (first)
                transport_.send(tensor, there)->wait();
            std::unique_ptr<Pending> received = transport_.receive(tensor, first ? back : there);
            received->wait();
            if (!first)
                transport_.send(tensor, back)->wait();
            if (repeat > 0)
                figure.add(0, (now() - start) / 2);
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
