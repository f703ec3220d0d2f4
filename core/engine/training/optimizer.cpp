#include "engine/training/optimizer.h"

#include "base/error.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_addcdiv.h>
#include <ATen/ops/_foreach_addcmul.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sqrt.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pipebd::engine {

namespace {

// PyTorch's defaults where an experiment has no key for them.
constexpr double adam_beta1 = 0.9;
constexpr double adam_beta2 = 0.999;
constexpr double rmsprop_alpha = 0.99;
constexpr double epsilon = 1e-8;

using Tensors = std::vector<at::Tensor>;

// What all have in common: parameters, state tensors of each, and which take part in an update.
class BaseOptimizer : public Optimizer {
public:
    BaseOptimizer(const experiment::Train& train, std::vector<NamedTensor> parameters)
        : train_(train)
        , parameters_(std::move(parameters))
    {
    }

    std::vector<NamedTensor> state() const override
    {
        std::vector<NamedTensor> all;
        for (const auto& [name, tensors] : state_)
            for (std::size_t i = 0; i < tensors.size(); ++i)
                all.push_back({name + "." + parameters_[i].name, tensors[i]});
        return all;
    }

    void update(const std::vector<std::size_t>& active, double learning_rate) override
    {
        at::NoGradGuard no_grad;
        std::vector<std::size_t> used;
        Tensors parameters, gradients;
        for (std::size_t index : active) {
            const at::Tensor& parameter = parameters_.at(index).tensor;
            if (!parameter.grad().defined())
                continue;
            used.push_back(index);
            parameters.push_back(parameter);
            gradients.push_back(parameter.grad());
        }
        if (used.empty())
            return;
        apply(used, parameters, gradients, learning_rate);
        for (at::Tensor& parameter : parameters) {
            parameter.mutable_grad() = at::Tensor();
            parameter.unsafeGetTensorImpl()->bump_version(); // fused kernels do not: who keeps what it has read looks at this
        }
    }

protected:
    virtual void apply(
        const std::vector<std::size_t>& used, const Tensors& parameters, const Tensors& gradients, double learning_rate)
        = 0;

    // Adds a state tensor of zeros for every parameter; its place in the state is returned.
    std::size_t add_state(std::string name, bool scalar = false)
    {
        Tensors tensors;
        for (const NamedTensor& parameter : parameters_) {
            const at::Tensor values = parameter.tensor.detach();
            tensors.push_back(scalar ? at::zeros({}, values.options().dtype(at::kFloat)) : at::zeros_like(values));
        }
        state_.emplace_back(std::move(name), std::move(tensors));
        return state_.size() - 1;
    }

    Tensors state_of(std::size_t place, const std::vector<std::size_t>& used) const
    {
        Tensors tensors;
        for (std::size_t index : used)
            tensors.push_back(state_[place].second[index]);
        return tensors;
    }

    const experiment::Train train_;

private:
    std::vector<NamedTensor> parameters_;
    std::vector<std::pair<std::string, Tensors>> state_;
};

class Sgd : public BaseOptimizer {
public:
    Sgd(const experiment::Train& train, std::vector<NamedTensor> parameters)
        : BaseOptimizer(train, std::move(parameters))
    {
        if (train.momentum != 0)
            add_state("momentum");
    }

protected:
    void apply(
        const std::vector<std::size_t>& used, const Tensors& parameters, const Tensors& gradients, double learning_rate) override
    {
        // Momentum starts from zeros, so the first step needs no case of its own.
        const bool has_momentum = train_.momentum != 0;
        at::_fused_sgd_(parameters, gradients, has_momentum ? state_of(0, used) : Tensors(), train_.weight_decay, train_.momentum,
            learning_rate, 0.0, has_momentum && train_.nesterov, false, false);
    }
};

class Adam : public BaseOptimizer {
public:
    Adam(const experiment::Train& train, std::vector<NamedTensor> parameters, double beta1 = adam_beta1, double beta2 = adam_beta2)
        : BaseOptimizer(train, std::move(parameters))
        , beta1_(beta1)
        , beta2_(beta2)
        , decoupled_(train.optimizer == "adamw")
        , step_(add_state("step", true))
        , mean_(add_state("exp_avg"))
        , square_(add_state("exp_avg_sq"))
    {
    }

protected:
    void apply(
        const std::vector<std::size_t>& used, const Tensors& parameters, const Tensors& gradients, double learning_rate) override
    {
        const Tensors steps = state_of(step_, used);
        at::_foreach_add_(steps, 1);
        const Tensors means = state_of(mean_, used), squares = state_of(square_, used);
        if (decoupled_)
            at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, learning_rate, beta1_, beta2_, train_.weight_decay,
                epsilon, false, false);
        else
            at::_fused_adam_(parameters, gradients, means, squares, {}, steps, learning_rate, beta1_, beta2_, train_.weight_decay,
                epsilon, false, false);
    }

private:
    double beta1_;
    double beta2_;
    bool decoupled_; // weight decay (Loshchilov and Hutter, ICLR 2019)
    std::size_t step_, mean_, square_;
};

class RmsProp : public BaseOptimizer {
public:
    RmsProp(const experiment::Train& train, std::vector<NamedTensor> parameters)
        : BaseOptimizer(train, std::move(parameters))
        , square_(add_state("square_avg"))
        , momentum_(train.momentum != 0 ? add_state("momentum") : square_)
    {
    }

protected:
    void apply(
        const std::vector<std::size_t>& used, const Tensors& parameters, const Tensors& gradients, double learning_rate) override
    {
        const Tensors squares = state_of(square_, used), momenta = state_of(momentum_, used);
        // In a few calls whatever their number.
        const Tensors slopes = train_.weight_decay != 0 ? at::_foreach_add(gradients, parameters, train_.weight_decay) : gradients;
        at::_foreach_mul_(squares, rmsprop_alpha);
        at::_foreach_addcmul_(squares, slopes, slopes, 1 - rmsprop_alpha);
        const Tensors deviations = at::_foreach_sqrt(squares);
        at::_foreach_add_(deviations, epsilon);
        if (momentum_ == square_) {
            at::_foreach_addcdiv_(parameters, slopes, deviations, -learning_rate);
        } else {
            at::_foreach_mul_(momenta, train_.momentum);
            at::_foreach_addcdiv_(momenta, slopes, deviations);
            at::_foreach_add_(parameters, momenta, -learning_rate);
        }
    }

private:
    std::size_t square_;
    std::size_t momentum_; // square_: there is none
};

std::unique_ptr<Optimizer> make_weight_optimizer(const experiment::Train& train, std::vector<NamedTensor> parameters)
{
    if (train.optimizer == "sgd")
        return std::make_unique<Sgd>(train, std::move(parameters));
    if (train.optimizer == "adam" || train.optimizer == "adamw")
        return std::make_unique<Adam>(train, std::move(parameters));
    if (train.optimizer == "rmsprop")
        return std::make_unique<RmsProp>(train, std::move(parameters));
    throw Error(Code::BadRequest, "unknown optimizer", "train.optimizer = \"" + train.optimizer + "\"",
        "choose one of: sgd, adam, adamw, rmsprop");
}

// One for the weights, one for the architecture parameters.
class SearchOptimizer : public Optimizer {
public:
    SearchOptimizer(const experiment::Train& train, const std::vector<NamedTensor>& parameters,
        const experiment::Architecture& architecture, const std::vector<std::size_t>& architecture_indices)
    {
        std::vector<NamedTensor> of_weights, of_architecture;
        for (std::size_t index = 0; index < parameters.size(); ++index) {
            const bool searched = std::ranges::find(architecture_indices, index) != architecture_indices.end();
            std::vector<NamedTensor>& own = searched ? of_architecture : of_weights;
            places_.push_back({searched, own.size()});
            own.push_back(parameters[index]);
        }
        weights_ = make_weight_optimizer(train, std::move(of_weights));
        experiment::Train plain;
        plain.optimizer = "adam";
        architecture_ = std::make_unique<Adam>(plain, std::move(of_architecture), architecture.beta1, architecture.beta2);
    }

    void update(const std::vector<std::size_t>& active, double learning_rate) override
    {
        std::vector<std::size_t> of_weights, of_architecture;
        for (std::size_t index : active)
            (places_.at(index).searched ? of_architecture : of_weights).push_back(places_[index].index);
        weights_->update(of_weights, learning_rate);
        architecture_->update(of_architecture, learning_rate);
    }

    std::vector<NamedTensor> state() const override
    {
        std::vector<NamedTensor> all = weights_->state();
        const std::vector<NamedTensor> more = architecture_->state();
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

private:
    struct Place {
        bool searched;
        std::size_t index; // among the parameters of its optimizer
    };
    std::vector<Place> places_; // by the block's parameters
    std::unique_ptr<Optimizer> weights_;
    std::unique_ptr<Optimizer> architecture_;
};

} // namespace

double learning_rate(const experiment::Train& train, std::int64_t step, std::int64_t steps)
{
    if (train.schedule == "constant")
        return train.learning_rate;
    if (train.schedule == "cosine")
        return train.learning_rate * (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps))) / 2;
    if (train.schedule == "step")
        return train.learning_rate * (4 * step >= 3 * steps ? 0.01 : 2 * step >= steps ? 0.1 : 1.0);
    throw Error(Code::BadRequest, "unknown schedule", "train.schedule = \"" + train.schedule + "\"",
        "choose one of: constant, cosine, step");
}

std::unique_ptr<Optimizer> make_optimizer(
    const experiment::Train& train, const Block& block, const experiment::Architecture& architecture)
{
    const std::vector<std::size_t> indices = block.architecture_parameters();
    if (indices.empty())
        return make_weight_optimizer(train, block.parameters());
    return std::make_unique<SearchOptimizer>(train, block.parameters(), architecture, indices);
}

} // namespace pipebd::engine
