#include "engine/profiler.h"

#include "base/statistics.h"
#include "engine/loss.h"
#include "engine/precision.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pipebd::engine {

using experiment::Experiment;
using schedule::BlockProfile;
using schedule::Profile;

namespace {

constexpr int repeats = 3; // of each path, after one that is not counted

/// The repeats of one figure, by path.
class Figure {
public:
    explicit Figure(int path_count)
        : values_(static_cast<std::size_t>(path_count))
    {
    }

    void add(int path, double milliseconds) { values_[static_cast<std::size_t>(path)].push_back(milliseconds); }

    double median() const
    {
        double sum = 0;
        for (const std::vector<double>& repeated : values_)
            sum += pipebd::median(repeated);
        return sum / static_cast<double>(values_.size());
    }

    /// Of the repeats of one path, averaged over paths.
    double spread() const
    {
        double sum = 0;
        for (const std::vector<double>& repeated : values_)
            sum += pipebd::spread(repeated);
        return sum / static_cast<double>(values_.size());
    }

private:
    std::vector<std::vector<double>> values_;
};

std::vector<int> first_ranks(int count)
{
    std::vector<int> ranks(static_cast<std::size_t>(count));
    std::iota(ranks.begin(), ranks.end(), 0);
    return ranks;
}

class Profiler {
public:
    Profiler(const Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend, Transport& transport,
        Reporter& reporter)
        : experiment_(experiment)
        , pair_(pair)
        , data_(data)
        , backend_(backend)
        , transport_(transport)
        , reporter_(reporter)
        , names_(pair.block_names())
        , steps_total_(transport.size() * static_cast<int>(names_.size()))
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
        for (int ranks = 1; ranks <= transport_.size(); ++ranks) {
            transport_.barrier();
            if (ranks == 1 || transport_.rank() < ranks)
                measure_size(ranks);
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

    /// All blocks at the batch size of `ranks` ranks.
    void measure_size(int ranks)
    {
        int samples = schedule::shard_size(experiment_.data.batch, ranks);
        Figure loading(1);
        at::Tensor input;
        for (int repeat = 0; repeat <= repeats; ++repeat) {
            double start = now();
            std::vector<std::int64_t> indices
                = batch_indices(experiment_, data_.size(DataSet::Split::Train), repeat, schedule::Rows{0, samples});
            input = data_.get(DataSet::Split::Train, indices, 0).input.to(backend_.device(), weight_dtype(experiment_.run.dtype));
            if (repeat > 0)
                loading.add(0, now() - start);
        }
        profile_.load[samples] = loading.median();
        for (std::size_t block = 0; block < names_.size(); ++block) {
            progress(names_[block] + ", " + std::to_string(samples) + " samples");
            input = measure_block(static_cast<int>(block), ranks, samples, input);
        }
    }

    /// Returns the teacher's output.
    at::Tensor measure_block(int block, int ranks, int samples, const at::Tensor& input)
    {
        Models models = Models::make(experiment_, pair_, std::set<int>{block}, std::set<int>{block}, backend_.device());
        Block& teacher = *models.teacher.at(block);
        Block& student = *models.student.at(block);
        Optimizer& optimizer = *models.optimizer.at(block);
        BlockProfile& result = profile_.blocks[static_cast<std::size_t>(block)];
        const std::string& loss_name = loss_of(experiment_.distill, block, static_cast<int>(names_.size()));

        Context context;
        context.training = true;
        context.seed = experiment_.seed;
        if (ranks > 1 && experiment_.run.batch_norm == "sync")
            context.group = transport_.group(first_ranks(ranks));

        // A supernet's paths are the same candidate in every cell: cells' times add up, so the mean over these paths is the mean
        // over all that can be drawn.
        std::vector<Block::Cell> cells = student.cells();
        std::size_t most = 1;
        for (const Block::Cell& cell : cells)
            most = std::max(most, cell.candidates.size());
        int paths = static_cast<int>(most);
        Figure teacher_forward(1), student_forward(paths), student_backward(paths), update(paths);
        std::int64_t peak = 0;
        std::int64_t gradient_bytes = 0;
        at::Tensor output;
        for (int repeat = 0; repeat <= repeats; ++repeat) {
            for (int path = 0; path < paths; ++path) {
                reporter_.heartbeat(repeat * paths + path, names_[static_cast<std::size_t>(block)]);
                std::vector<int> candidates;
                for (const Block::Cell& cell : cells)
                    candidates.push_back(path % static_cast<int>(cell.candidates.size()));
                if (!cells.empty())
                    student.choose(candidates);
                double start = now();
                output = teach(teacher, input, experiment_.run.dtype);
                double teacher_done = now();

                backend_.reset_peak();
                std::int64_t before = backend_.memory().bytes;
                double forward_start = now();
                at::Tensor value;
                {
                    Precision precision(experiment_.run.dtype, backend_.device().type());
                    value = distillation_loss(loss_name, student.forward(input, context), output);
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
                double update_start = now();
                {
                    at::NoGradGuard no_grad;
                    optimizer.update(active, 0.0);
                }
                double update_done = now();

                if (repeat == 0)
                    continue; // warm-up: every path once
                teacher_forward.add(0, teacher_done - start);
                student_forward.add(path, forward_done - forward_start);
                student_backward.add(path, backward_done - forward_done);
                update.add(path, update_done - update_start);
            }
        }
        result.teacher_forward[samples] = teacher_forward.median();
        result.student_forward[samples] = student_forward.median();
        result.student_backward[samples] = student_backward.median();
        result.spread["teacher_forward"][samples] = teacher_forward.spread();
        result.spread["student_forward"][samples] = student_forward.spread();
        result.spread["student_backward"][samples] = student_backward.spread();
        if (ranks == 1) {
            result.name = names_[static_cast<std::size_t>(block)];
            result.update = result.teacher_update = update.median();
            result.spread["update"][samples] = update.spread();
            result.output_bytes = static_cast<std::int64_t>(output.nbytes()) / samples;
            result.activation_bytes = std::max<std::int64_t>(0, peak - gradient_bytes) / samples;
            result.teacher_bytes = bytes_of(teacher.parameters()) + bytes_of(teacher.buffers());
            result.student_bytes = bytes_of(student.parameters()) + bytes_of(student.buffers());
            result.gradient_bytes = gradient_bytes;
            result.optimizer_bytes = bytes_of(optimizer.state());
        }
        return output;
    }

    void measure_all_reduce()
    {
        at::TensorOptions options = at::TensorOptions().device(backend_.device()).dtype(at::kFloat);
        for (int ranks = 2; ranks <= transport_.size(); ++ranks) {
            if (transport_.rank() >= ranks)
                continue;
            for (BlockProfile& block : profile_.blocks) {
                at::Tensor gradients = at::zeros({block.gradient_bytes / 4 + 1}, options);
                Figure figure(1);
                for (int repeat = 0; repeat <= repeats * 2; ++repeat) {
                    reporter_.heartbeat(repeat, "all-reduce");
                    double start = now();
                    transport_.all_reduce(gradients, first_ranks(ranks))->wait();
                    if (repeat > 0)
                        figure.add(0, now() - start);
                }
                block.all_reduce[ranks] = figure.median();
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
        Figure figure(1);
        for (int repeat = 0; repeat <= repeats * 4; ++repeat) {
            reporter_.heartbeat(repeat, "link");
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
        return figure.median();
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
    int steps_total_;
    int steps_done_ = 0;
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

Profile measure_profile(
    const Experiment& experiment, const Pair& pair, const DataSet& data, Backend& backend, Transport& transport, Reporter& reporter)
{
    return Profiler(experiment, pair, data, backend, transport, reporter).run();
}

} // namespace pipebd::engine
