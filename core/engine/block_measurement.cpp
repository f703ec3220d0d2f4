#include "engine/block_measurement.h"

#include "base/random.h"
#include "engine/models/precision.h"
#include "engine/training/loss.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace pipebd::engine {

double settled_milliseconds(Backend& backend)
{
    backend.synchronize();
    return run_milliseconds();
}

BlockMeasurement::BlockMeasurement(
    const experiment::Experiment& experiment, const Pair& pair, int block, const Context& context, Backend& backend)
    : experiment_(experiment)
    , loss_(loss_of(experiment.distill, block, static_cast<int>(pair.block_names().size())))
    , context_(context)
    , backend_(backend)
    , models_(Models::make(experiment, pair, std::set<int>{block}, std::set<int>{block}, backend.device()))
    , teacher_(*models_.teacher.at(block))
    , student_(*models_.student.at(block))
    , optimizer_(*models_.optimizer.at(block))
    , warm_up_(uniform_paths(student_.cells()))
    , sampled_(sample_paths(student_.cells(), draw({experiment.seed, static_cast<std::uint64_t>(block)})))
    , student_forward_(sampled_)
    , student_backward_(sampled_)
    , update_(sampled_)
{
}

void BlockMeasurement::run(const Activations& input, const std::function<void(std::size_t repeat)>& begins)
{
    for (std::size_t repeat = 0; repeat <= Figure::repeats; ++repeat) {
        const std::vector<SampledPath>& paths = repeat == 0 ? warm_up_ : sampled_;
        for (std::size_t path = 0; path < paths.size(); ++path) {
            begins(repeat);
            const bool teaches = path < Figure::repeats;
            const Pass done = pass(paths[path], input, teaches);
            gradient_bytes_ = std::max(gradient_bytes_, done.gradient_bytes);
            if (repeat == 0)
                continue;
            if (repeat == 1)
                mean_gradient_bytes_ += paths[path].weight * static_cast<double>(done.gradient_bytes);
            if (teaches)
                teacher_forward_.add(0, done.teacher_forward);
            student_forward_.add(path, done.student_forward);
            student_backward_.add(path, done.student_backward);
            update_.add(path, done.update);
        }
    }
}

BlockMeasurement::Pass BlockMeasurement::pass(const SampledPath& path, const Activations& input, bool teaches)
{
    Pass done;
    student_.choose(path.candidates);
    double start = now();
    if (teaches)
        output_.teacher = teach(teacher_, input.teacher, experiment_.run.dtype);
    done.teacher_forward = now() - start;

    backend_.reset_peak();
    const std::int64_t before = backend_.memory().bytes;
    start = now();
    at::Tensor value = student_loss(input.student);
    const double forward_done = now();
    done.student_forward = forward_done - start;
    torch::autograd::backward({value}, {});
    done.student_backward = now() - forward_done;
    peak_ = std::max(peak_, backend_.memory().peak - before);
    value = at::Tensor();

    const std::vector<std::size_t> active = student_.active_parameters(context_);
    for (std::size_t index : active)
        done.gradient_bytes += static_cast<std::int64_t>(student_.parameters()[index].tensor.nbytes());
    start = now();
    {
        at::NoGradGuard no_grad;
        optimizer_.update(active, 0.0);
    }
    done.update = now() - start;
    return done;
}

at::Tensor BlockMeasurement::student_loss(const at::Tensor& input)
{
    Precision precision(experiment_.run.dtype, backend_.device().type());
    output_.student = student_.forward(input, context_);
    const bool comparable = output_.student.sizes() == output_.teacher.sizes();
    at::Tensor value = distillation_loss(loss_, output_.student, comparable ? output_.teacher : at::zeros_like(output_.student));
    output_.student = comparable ? output_.teacher : output_.student.detach();
    return value;
}

void BlockMeasurement::store_passes(int samples, schedule::BlockProfile& result) const
{
    result.teacher_forward[samples] = teacher_forward_.mean();
    result.student_forward[samples] = student_forward_.mean();
    result.student_backward[samples] = student_backward_.mean();
    result.spread["teacher_forward"][samples] = teacher_forward_.spread();
    result.spread["student_forward"][samples] = student_forward_.spread();
    result.spread["student_backward"][samples] = student_backward_.spread();
}

void BlockMeasurement::store_sizes(int samples, schedule::BlockProfile& result) const
{
    result.update = result.teacher_update = update_.mean();
    result.spread["update"][samples] = update_.spread();
    result.output_bytes = static_cast<std::int64_t>(output_.teacher.nbytes()) / samples;
    result.activation_bytes = std::max<std::int64_t>(0, peak_ - gradient_bytes_) / samples;
    result.teacher_bytes = bytes_of(teacher_.parameters()) + bytes_of(teacher_.buffers());
    result.student_bytes = bytes_of(student_.parameters()) + bytes_of(student_.buffers());
    result.gradient_bytes = gradient_bytes_;
    result.optimizer_bytes = bytes_of(optimizer_.state());
}

} // namespace pipebd::engine
