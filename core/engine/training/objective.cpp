#include "engine/training/objective.h"

#include "engine/models/precision.h"
#include "engine/training/loss.h"

#include <torch/csrc/autograd/autograd.h>

#include <utility>

namespace pipebd::engine {

using schedule::Instruction;
using schedule::Rows;
using Kind = schedule::Value::Kind;

Objective::Objective(const RunParts& parts, const RankPhase& phase, Values& values, std::map<int, StudentWork>& students)
    : parts_(parts)
    , phase_(phase)
    , values_(values)
    , students_(students)
{
}

// The gradient of the mean over the whole batch is the sum of the shards' gradients by their share of rows.
at::Tensor Objective::weighted(const at::Tensor& mean, Rows rows) const
{
    return rows.size() == phase_.batch ? mean : mean.mul(static_cast<double>(rows.size()) / phase_.batch);
}

void Objective::student_forward(const Instruction& instruction, std::int64_t batch)
{
    const experiment::Experiment& experiment = parts_.spec.experiment;
    const int block = instruction.block;
    const Rows rows = phase_.rows_of(instruction);
    StudentWork& student = students_.at(block);
    const schedule::Needs needs = needed_by(instruction, phase_.training);
    at::Tensor input = values_.get(needs.front().value, batch, rows).detach();
    if (phase_.training.end_to_end) {
        if (block > 0)
            input.requires_grad_(true);
        at::Tensor output = student.forward(input, batch, rows);
        values_.put(
            {Kind::StudentOutput, block, instruction.view}, batch, rows, output.detach().to(relay_dtype(experiment.run.dtype)));
        student.keep({rows, std::move(input), std::move(output)});
        return;
    }
    const at::Tensor output = student.forward(input, batch, rows);
    const at::Tensor target = values_.get(needs.back().value, batch, rows);
    Precision precision(experiment.run.dtype, parts_.backend.device().type());
    at::Tensor value
        = weighted(distillation_loss(loss_of(experiment.distill, block, parts_.spec.program.blocks), output, target), rows);
    student.add_loss(value);
    student.keep({rows, {}, std::move(value)});
}

void Objective::loss(const Instruction& instruction, std::int64_t batch)
{
    const Rows rows = phase_.rows_of(instruction);
    const int last = parts_.spec.program.blocks - 1;
    const at::Tensor logits = values_.get({Kind::StudentOutput, last, 0}, batch, rows).detach().requires_grad_(true);
    const at::Tensor labels = values_.get({Kind::Labels, 0, 0}, batch, rows);
    const at::Tensor value = weighted(label_loss(logits.to(weight_dtype(parts_.spec.experiment.run.dtype)), labels), rows);
    students_.at(last).add_loss(value);
    torch::autograd::backward({value}, {});
    values_.put({Kind::StudentGradient, last, 0}, batch, rows, logits.grad());
}

void Objective::student_backward(const Instruction& instruction, std::int64_t batch)
{
    const int block = instruction.block;
    const Rows rows = phase_.rows_of(instruction);
    StudentWork& student = students_.at(block);
    const StudentWork::Graph graph = student.take(instruction, rows);
    if (phase_.training.end_to_end) {
        const at::Tensor gradient = values_.get({Kind::StudentGradient, block, instruction.view}, batch, rows);
        torch::autograd::backward({graph.root}, {gradient.to(graph.root.scalar_type())});
        if (block > 0)
            values_.put({Kind::StudentGradient, block - 1, instruction.view}, batch, rows, graph.input.grad());
    } else if (const std::vector<at::Tensor> updated = student.updated(batch); !updated.empty()) {
        torch::autograd::backward({graph.root}, {}, std::nullopt, false, updated);
    }
}

} // namespace pipebd::engine
