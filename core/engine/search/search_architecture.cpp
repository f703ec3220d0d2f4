#include "engine/search/search_architecture.h"

#include "engine/search/derive.h"
#include "engine/training/evaluate.h"
#include "engine/training/loss.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace pipebd::engine {

namespace {

/// What one block is measured on.
struct Lesson {
    at::Tensor input;
    at::Tensor target;
};

std::vector<at::Tensor> inputs_of(
    const DataSet& data, DataSet::Split split, std::int64_t samples, std::int64_t batch, at::Device device)
{
    std::vector<at::Tensor> inputs;
    for (std::int64_t begin = 0; begin == 0 || begin + batch <= samples; begin += batch)
        inputs.push_back(data.get(split, samples_between(begin, std::min(samples, begin + batch))).input.to(device));
    return inputs;
}

/// The losses of one block's choices, each measured once.
class MeasuredBlock {
public:
    MeasuredBlock(Block& student, std::string_view loss, const std::vector<Lesson>& lessons)
        : student_(student)
        , loss_(loss)
        , lessons_(lessons)
    {
        context_.training = true; // normalised by the batch, as running statistics are mixtures over paths,
        context_.batch_norm_momentum = 0; // which stay as they are
    }

    double operator()(const std::vector<int>& candidates)
    {
        const auto [entry, is_new] = losses_.try_emplace(candidates, 0);
        if (is_new)
            entry->second = measure(candidates);
        return entry->second;
    }

    Architecture::Cell cell(const Block::Cell& described, std::size_t index, std::vector<int> chosen)
    {
        Architecture::Cell cell{.described = described, .losses = {}, .chosen = chosen[index]};
        for (std::size_t candidate = 0; candidate < described.candidates.size(); ++candidate) {
            chosen[index] = static_cast<int>(candidate);
            cell.losses.push_back((*this)(chosen));
        }
        return cell;
    }

private:
    double measure(const std::vector<int>& candidates)
    {
        student_.choose(candidates);
        double sum = 0;
        for (const Lesson& lesson : lessons_)
            sum += relative_loss(loss_, student_.forward(lesson.input, context_), lesson.target);
        return sum / static_cast<double>(lessons_.size());
    }

    Block& student_;
    std::string_view loss_;
    const std::vector<Lesson>& lessons_;
    Context context_;
    std::map<std::vector<int>, double> losses_;
};

} // namespace

Budget budget_of(const experiment::Derive& derive, const Cost& teacher)
{
    const auto limit = [](double share, std::int64_t cost) {
        return share > 0 ? static_cast<std::int64_t>(std::floor(share * static_cast<double>(cost))) : Budget::any;
    };
    return {.most = {.macs = limit(derive.macs, teacher.macs), .parameters = limit(derive.parameters, teacher.parameters)}};
}

double relative_loss(std::string_view name, const at::Tensor& output, const at::Tensor& target)
{
    const at::Tensor wide = target.to(at::kDouble);
    const at::Tensor constant = name == "mse" ? wide.mean(0, true) : at::softmax(wide, 1).mean(0, true).log();
    const auto loss = [&](const at::Tensor& given) { return distillation_loss(name, given, wide).item<double>(); };
    const double least = loss(wide);
    const double of_constant = loss(constant.expand_as(wide));
    return (loss(output.to(at::kDouble)) - least) / (of_constant - least);
}

Architecture search_architecture(const experiment::Experiment& experiment, const Pair& pair, const std::vector<Block*>& teacher,
    const std::vector<Block*>& student, std::span<const BlockCosts> costs, const Cost& teacher_cost, const DataSet& data,
    at::Device device, const std::function<void(double)>& progress)
{
    at::NoGradGuard no_grad;
    Architecture architecture{.pair = experiment.pair,
        .blocks = {},
        .teacher = teacher_cost,
        .budget = budget_of(experiment.derive, teacher_cost),
        .samples = 0,
        .held_out = data.size(DataSet::Split::HeldOut) > 0};
    const DataSet::Split split = architecture.held_out ? DataSet::Split::HeldOut : DataSet::Split::Train;
    architecture.samples = std::min<std::int64_t>(experiment.derive.samples, data.size(split));

    std::vector<std::vector<Lesson>> lessons(student.size());
    std::vector<MeasuredBlock> measured;
    std::vector<std::vector<Choice>> choices;
    std::vector<at::Tensor> inputs = inputs_of(data, split, architecture.samples, experiment.data.batch, device);
    for (std::size_t block = 0; block < student.size(); ++block) {
        if (progress)
            progress(static_cast<double>(block) / static_cast<double>(student.size()));
        for (at::Tensor& input : inputs) {
            lessons[block].push_back({input, teacher[block]->forward(input, Context{})});
            input = lessons[block].back().target;
        }
        measured.emplace_back(*student[block],
            loss_of(experiment.distill, static_cast<int>(block), static_cast<int>(student.size())), lessons[block]);
        choices.push_back(choices_of(costs[block], architecture.budget, std::ref(measured.back())));
    }
    const std::vector<std::size_t> picked = pick_choices(choices, architecture.budget);
    for (std::size_t block = 0; block < student.size(); ++block) {
        const Choice& choice = choices[block][picked[block]];
        Architecture::ChosenBlock& chosen = architecture.blocks.emplace_back();
        chosen.name = pair.block_names()[block];
        chosen.loss = choice.loss;
        chosen.cost = choice.cost;
        const std::vector<Block::Cell> cells = student[block]->cells();
        for (std::size_t cell = 0; cell < cells.size(); ++cell)
            chosen.cells.push_back(measured[block].cell(cells[cell], cell, choice.candidates));
        student[block]->choose(choice.candidates);
    }
    return architecture;
}

} // namespace pipebd::engine
