#include "engine/models/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/batch_norm_update_stats.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pipebd::engine {

namespace {

// Sums over ranks are taken in double precision: with it E[x^2] - E[x]^2 is sound for float32 data, and one sum is enough.
class SynchronisedBatchNorm : public torch::autograd::Function<SynchronisedBatchNorm> {
public:
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
        const at::Tensor& bias, at::Tensor running_mean, at::Tensor running_var, double momentum, double epsilon, Group* group)
    {
        const std::int64_t channels = input.size(1);
        const double count = static_cast<double>(input.numel()) / static_cast<double>(channels);

        // Statistics come in the type of the running ones that are passed, which a momentum of 0 leaves alone.
        const auto [own_mean, own_variance]
            = at::batch_norm_update_stats(input, at::zeros_like(running_mean), at::ones_like(running_var), 0.0);
        const at::Tensor wide_mean = own_mean.to(at::kDouble);
        at::Tensor sums = at::cat({at::full({1}, count, wide_mean.options()), wide_mean * count,
            (own_variance.to(at::kDouble) + wide_mean * wide_mean) * count});
        group->sum(sums);

        const at::Tensor total = sums.narrow(0, 0, 1);
        const at::Tensor mean = sums.narrow(0, 1, channels) / total;
        const at::Tensor variance = (sums.narrow(0, 1 + channels, channels) / total - mean * mean).clamp_min(0);
        running_mean.mul_(1 - momentum).add_(mean, momentum);
        running_var.mul_(1 - momentum).add_(variance * (total / (total - 1).clamp_min(1)), momentum);

        const at::Tensor narrow_mean = mean.to(weight.scalar_type());
        const at::Tensor narrow_variance = variance.to(weight.scalar_type());
        at::Tensor output
            = std::get<0>(at::native_batch_norm(input, weight, bias, narrow_mean, narrow_variance, false, 0.0, epsilon));
        context->save_for_backward({input, weight, narrow_mean, narrow_variance, total});
        context->saved_data["group"] = reinterpret_cast<std::int64_t>(group);
        context->saved_data["epsilon"] = epsilon;
        return output;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients)
    {
        const torch::autograd::variable_list saved = context->get_saved_variables();
        const at::Tensor &input = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3], &total = saved[4];
        auto* group = reinterpret_cast<Group*>(context->saved_data["group"].toInt());
        const double epsilon = context->saved_data["epsilon"].toDouble();
        const at::Tensor gradient = gradients[0].contiguous(input.suggest_memory_format());
        const std::int64_t channels = input.size(1);

        // As in evaluation mode, the kernel gives this rank's sums: of gradient * normalised input, and of the gradient.
        const at::Tensor unsaved = at::empty({0}, mean.options()); // defined, as CUDA's kernel wants it, and not used
        const auto [none, weight_gradient, bias_gradient] = at::native_batch_norm_backward(
            gradient, input, weight, mean, variance, unsaved, unsaved, false, epsilon, {false, true, true});
        at::Tensor sums = at::cat({bias_gradient, weight_gradient}).to(at::kDouble);
        group->sum(sums);

        const at::Tensor inverse = (variance.to(at::kDouble) + epsilon).rsqrt();
        const at::Tensor factor = weight.to(at::kDouble) * inverse;
        const at::Tensor slope = factor * inverse * (sums.narrow(0, channels, channels) / total);
        const at::Tensor offset = slope * mean - factor * (sums.narrow(0, 0, channels) / total);
        std::vector<std::int64_t> as_map(static_cast<std::size_t>(input.dim()), 1);
        as_map[1] = channels;
        const auto for_map = [&](const at::Tensor& values) { return values.to(gradient.scalar_type()).view(as_map); };
        at::Tensor input_gradient = gradient * for_map(factor);
        input_gradient.addcmul_(input, for_map(slope), -1).add_(for_map(offset));
        return {input_gradient, weight_gradient, bias_gradient, {}, {}, {}, {}, {}};
    }
};

} // namespace

at::Tensor batch_norm(const at::Tensor& input, const Normalisation& normalisation, const Context& context)
{
    const auto& [weight, bias, running_mean, running_var, own_momentum, epsilon] = normalisation;
    const double momentum = context.batch_norm_momentum.value_or(own_momentum);
    if (!context.training || !context.group || context.group->size() == 1)
        return at::batch_norm(
            input, weight, bias, running_mean, running_var, context.training || !running_mean.defined(), momentum, epsilon, true);
    const at::Tensor& like = weight.defined() ? weight : running_mean;
    const at::TensorOptions options = like.defined() ? like.options() : input.options();
    const auto all = [&](const at::Tensor& given, double value) {
        return given.defined() ? given : at::full({input.size(1)}, value, options.requires_grad(false));
    };
    return SynchronisedBatchNorm::apply(
        input, all(weight, 1), all(bias, 0), all(running_mean, 0), all(running_var, 1), momentum, epsilon, context.group);
}

BatchNorm::BatchNorm(TensorMaker maker, int channels)
    : name_(maker.name())
    , tensors_{.weight = maker.constant("weight", {channels}, 1),
          .bias = maker.constant("bias", {channels}, 0),
          .running_mean = maker.buffer("running_mean", {channels}, 0),
          .running_var = maker.buffer("running_var", {channels}, 1)}
{
}

at::Tensor BatchNorm::forward(const at::Tensor& input, const Context& context)
{
    return batch_norm(input, tensors_, context);
}

std::vector<Description> BatchNorm::description() const
{
    return {{.type = "batch_norm", .name = name_, .arguments = {{"channels", tensors_.weight.size(0)}}, .parts = {}}};
}

at::Tensor BatchNorm::fold_into(at::Tensor weight, const at::Tensor& bias, std::vector<at::Tensor>& unused)
{
    at::NoGradGuard no_grad;
    auto& [scale_of, offset, mean, variance, momentum, epsilon] = tensors_;
    const at::Tensor scale = scale_of.to(at::kDouble) * (variance.to(at::kDouble) + epsilon).rsqrt();
    const at::Tensor centre = bias.defined() ? mean.to(at::kDouble) - bias.to(at::kDouble) : mean.to(at::kDouble);
    offset.copy_(offset.to(at::kDouble) - centre * scale);
    weight.copy_(weight.to(at::kDouble) * scale.view({-1, 1, 1, 1}));
    unused.insert(unused.end(), {scale_of, mean, variance});
    return offset;
}

} // namespace pipebd::engine
