#include "engine/training/student_work.h"

#include "base/error.h"
#include "engine/models/precision.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

namespace pipebd::engine {

namespace {

/// The elements of `tensor` in its own memory order, inside `flat` from `offset`.
at::Tensor view_into(const at::Tensor& flat, std::int64_t offset, const at::Tensor& tensor)
{
    return flat.as_strided(tensor.sizes(), tensor.strides(), flat.storage_offset() + offset);
}

} // namespace

StudentWork::StudentWork(
    const RunParts& parts, int block, std::vector<int> group, const ArchitectureSteps& architecture, std::int64_t steps)
    : parts_(parts)
    , block_(block)
    , group_(std::move(group))
    , architecture_(architecture)
    , steps_(steps)
{
}

Context StudentWork::context(std::int64_t batch, schedule::Rows rows) const
{
    Context context;
    context.training = true;
    context.seed = parts_.spec.experiment.seed;
    context.step = batch;
    context.first_row = rows.begin;
    context.architecture = architecture_.contains(batch);
    if (!group_.empty() && parts_.spec.experiment.run.batch_norm == "sync")
        context.group = parts_.transport.group(group_);
    return context;
}

at::Tensor StudentWork::forward(const at::Tensor& input, std::int64_t batch, schedule::Rows rows)
{
    Precision precision(parts_.spec.experiment.run.dtype, parts_.backend.device().type());
    return student().forward(input, context(batch, rows));
}

StudentWork::Graph StudentWork::take(const schedule::Instruction& instruction, schedule::Rows rows)
{
    const auto found = std::find_if(graphs_.begin(), graphs_.end(), [&](const Graph& graph) { return graph.rows == rows; });
    if (found == graphs_.end())
        throw Error(Code::Internal, "a backward pass without its forward pass", to_text(instruction));
    Graph graph = std::move(*found);
    graphs_.erase(found);
    return graph;
}

void StudentWork::add_loss(const at::Tensor& value)
{
    const at::Tensor detached = value.detach();
    loss_ = loss_.defined() ? loss_.add(detached) : detached;
}

std::vector<at::Tensor> StudentWork::updated(std::int64_t batch) const
{
    std::vector<at::Tensor> parameters;
    for (const std::size_t index : student().active_parameters(context(batch)))
        parameters.push_back(student().parameters()[index].tensor);
    return parameters;
}

void StudentWork::all_reduce(const std::vector<int>& group, std::int64_t batch, StepReport& report)
{
    if (group.size() < 2)
        return;
    const std::vector<at::Tensor> parameters = updated(batch);
    std::int64_t elements = loss_.defined() ? 1 : 0;
    for (const at::Tensor& parameter : parameters)
        elements += parameter.numel();
    at::NoGradGuard no_grad;
    flat_ = at::empty({elements}, (parameters.empty() ? loss_ : parameters.front()).options().requires_grad(false));
    std::int64_t offset = 0;
    for (const at::Tensor& parameter : parameters) {
        const at::Tensor slice = view_into(flat_, offset, parameter);
        slice.copy_(parameter.grad());
        parameter.mutable_grad() = slice;
        offset += parameter.numel();
    }
    if (loss_.defined()) {
        flat_.narrow(0, offset, 1).copy_(loss_.reshape({1}));
        loss_ = flat_.narrow(0, offset, 1).squeeze(0);
    }
    all_reduce_at_ = report.place();
    all_reduce_ = parts_.transport.all_reduce(flat_, group);
}

void StudentWork::wait_for_gradients(StepReport& report)
{
    if (!all_reduce_)
        return;
    all_reduce_->wait();
    report.transferred(all_reduce_at_, *all_reduce_);
}

void StudentWork::update(std::int64_t batch, StepReport& report)
{
    const experiment::Experiment& experiment = parts_.spec.experiment;
    const bool architecture = architecture_.contains(batch);
    {
        at::NoGradGuard no_grad;
        parts_.models.optimizer.at(block_)->update(student().active_parameters(context(batch)),
            architecture ? experiment.architecture.learning_rate : learning_rate(experiment.train, batch, steps_));
    }
    const bool reports = group_.empty() || group_.front() == parts_.transport.rank();
    if (loss_.defined() && reports)
        report.loss(block_, batch, architecture, loss_);
    loss_ = at::Tensor();
    flat_ = at::Tensor();
    all_reduce_.reset();
}

} // namespace pipebd::engine
