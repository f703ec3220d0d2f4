// Architecture parameters of a supernet: their gradients, against the formula of ProxylessNAS written out; what a step updates;
// when such steps come; and what paths are drawn.
#include "engine_testing.h"

#include "engine/data/architecture_steps.h"
#include "engine/data/sample_stream.h"
#include "engine/models/supernet.h"
#include "engine/training/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

/// One cell of seven candidates on four channels, in double precision.
std::unique_ptr<SupernetBlock> one_cell(int block)
{
    auto supernet = std::make_unique<SupernetBlock>(block);
    supernet->add_cell(supernet->maker("student", 3, "blocks." + std::to_string(block)), 4, 4, 1);
    supernet->add_architecture_parameters();
    move_to(*supernet, at::Device(at::kCPU), at::kDouble);
    return supernet;
}

at::Tensor architecture_of(const Block& block)
{
    return block.parameters()[block.architecture_parameters().at(0)].tensor;
}

/// Normalises by the batch and leaves running statistics alone, so that the order of passes does not matter.
Context context_of(bool architecture, std::int64_t step = 0)
{
    return {.training = true, .seed = 1, .step = step, .architecture = architecture, .batch_norm_momentum = 0};
}

/// The formula: sum over j of <gradient, output of j> p_j (1 if i = j, - p_i).
at::Tensor expected_gradient(Block& block, const at::Tensor& input, const at::Tensor& gradient)
{
    at::NoGradGuard no_grad;
    const at::Tensor shares = at::softmax(architecture_of(block), 0);
    std::vector<double> of_gates;
    for (int candidate = 0; candidate < 7; ++candidate) {
        block.choose({candidate});
        of_gates.push_back((block.forward(input, context_of(false)) * gradient).sum().item<double>());
    }
    block.choose({});
    at::Tensor expected = at::zeros({7}, at::kDouble);
    for (int i = 0; i < 7; ++i) {
        double sum = 0;
        for (int j = 0; j < 7; ++j)
            sum += of_gates[static_cast<std::size_t>(j)] * shares[j].item<double>() * ((i == j ? 1 : 0) - shares[i].item<double>());
        expected[i].fill_(sum);
    }
    return expected;
}

/// What the block draws for a step.
int drawn(Block& block, const at::Tensor& input, std::int64_t step)
{
    at::NoGradGuard no_grad;
    const at::Tensor output = block.forward(input, context_of(false, step));
    int path = -1;
    for (int candidate = 0; candidate < 7; ++candidate) {
        block.choose({candidate});
        if (same_bits(block.forward(input, context_of(false)), output))
            path = candidate;
    }
    block.choose({});
    return path;
}

void set_probabilities(const Block& block, const std::vector<double>& probabilities)
{
    at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < probabilities.size(); ++i)
        architecture_of(block)[static_cast<std::int64_t>(i)].fill_(std::log(probabilities[i]));
}

} // namespace

class TestArchitecture : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void gradientsAreThoseOfTheFormula()
    {
        // Two cells, each in a block of its own; the gradient of the first comes through the path that the second one drew.
        const auto first = one_cell(0), second = one_cell(1);
        set_probabilities(*first, {0.1, 0.2, 0.1, 0.15, 0.1, 0.05, 0.3});
        const at::Tensor input = random_map({3, 4, 5, 5}, 1, at::kDouble), target = random_map({3, 4, 5, 5}, 2, at::kDouble);
        std::set<std::pair<int, int>> paths;
        for (std::int64_t step = 0; step < 8; ++step) {
            for (Block* block : {static_cast<Block*>(first.get()), static_cast<Block*>(second.get())})
                architecture_of(*block).mutable_grad() = at::Tensor();
            const at::Tensor between = first->forward(input, context_of(true, step));
            const at::Tensor output = second->forward(between, context_of(true, step));
            torch::autograd::backward(
                {at::mse_loss(output, target)}, {}, std::nullopt, false, {architecture_of(*first), architecture_of(*second)});

            const int path = drawn(*first, input, step), next_path = drawn(*second, between.detach(), step);
            paths.insert({path, next_path});
            first->choose({path});
            QVERIFY(same_bits(between, first->forward(input, context_of(false)))); // gates add gradients alone
            first->choose({});
            const at::Tensor leaf = between.detach().requires_grad_(true);
            second->choose({next_path});
            const at::Tensor again = second->forward(leaf, context_of(false));
            second->choose({});
            torch::autograd::backward({at::mse_loss(again, target)}, {}, std::nullopt, false, {leaf});
            const at::Tensor slope = 2 * (output.detach() - target) / static_cast<double>(target.numel());

            const at::Tensor of_second = expected_gradient(*second, between.detach(), slope);
            const at::Tensor of_first = expected_gradient(*first, input, leaf.grad());
            QVERIFY(of_second.abs().max().item<double>() > 1e-6);
            QVERIFY(largest_difference(architecture_of(*second).grad(), of_second) < 1e-12);
            QVERIFY(largest_difference(architecture_of(*first).grad(), of_first) < 1e-12);
        }
        QVERIFY(paths.size() > 2);
    }

    void pathsAreDrawnWithTheProbabilitiesOfTheParameters()
    {
        auto block = one_cell(2);
        const std::vector<double> shares{0.4, 0.05, 0.2, 0.1, 0.05, 0.15, 0.05};
        set_probabilities(*block, shares);
        QCOMPARE(block->cells().at(0).probabilities.size(), std::size_t{7});
        std::vector<int> counts(7, 0);
        std::vector<std::vector<std::size_t>> of_path;
        for (int candidate = 0; candidate < 7; ++candidate) {
            block->choose({candidate});
            of_path.push_back(block->active_parameters(context_of(false)));
        }
        block->choose({});
        constexpr int draws = 20'000;
        for (int step = 0; step < draws; ++step)
            for (std::size_t candidate = 0; candidate < 7; ++candidate)
                counts[candidate] += block->active_parameters(context_of(false, step)) == of_path[candidate] ? 1 : 0;
        for (std::size_t candidate = 0; candidate < 7; ++candidate) {
            const double expected = shares[candidate] * draws;
            const double deviation = std::sqrt(expected * (1 - shares[candidate]));
            QVERIFY2(std::abs(counts[candidate] - expected) < 4 * deviation,
                qPrintable(QString("candidate %1: %2 times, not %3").arg(candidate).arg(counts[candidate]).arg(expected)));
            QVERIFY(std::abs(block->cells()[0].probabilities[candidate] - shares[candidate]) < 1e-12);
        }
    }

    void aStepUpdatesWeightsOrTheArchitectureNeverBoth()
    {
        auto block = one_cell(0);
        experiment::Train train;
        experiment::Architecture architecture;
        architecture.beta2 = 0.9;
        const std::unique_ptr<Optimizer> optimizer = make_optimizer(train, *block, architecture);
        const at::Tensor input = random_map({3, 4, 5, 5}, 1, at::kDouble), target = random_map({3, 4, 5, 5}, 2, at::kDouble);
        std::vector<double> squares(7, 0);
        int steps = 0;
        for (int step = 0; step < 6; ++step) {
            const bool searches = step % 2 == 1;
            const Context context = context_of(searches, step);
            const std::vector<std::size_t> active = block->active_parameters(context);
            std::vector<at::Tensor> updated;
            for (std::size_t index : active)
                updated.push_back(block->parameters()[index].tensor);
            const std::vector<at::Tensor> before = copies_of(block->parameters()), state = copies_of(optimizer->state());
            torch::autograd::backward({at::mse_loss(block->forward(input, context), target)}, {}, std::nullopt, false, updated);
            const at::Tensor gradient = searches ? architecture_of(*block).grad().clone() : at::Tensor();
            optimizer->update(active, 0.1);

            const std::vector<at::Tensor> after = copies_of(block->parameters());
            const std::size_t searched = block->architecture_parameters().at(0);
            for (std::size_t i = 0; i < after.size(); ++i) {
                const bool may_change = searches == (i == searched) && std::ranges::find(active, i) != active.end();
                QVERIFY2(may_change || same_bits(before[i], after[i]), block->parameters()[i].name.c_str());
                QVERIFY(!block->parameters()[i].tensor.grad().defined());
            }
            const std::vector<NamedTensor> now = optimizer->state();
            for (std::size_t i = 0; i < now.size(); ++i)
                QVERIFY(now[i].name.ends_with("architecture") == searches || same_bits(state[i], now[i].tensor));
            if (!searches)
                continue;
            ++steps;
            for (std::size_t i = 0; i < 7; ++i) { // Adam without a first moment
                const double slope = gradient[static_cast<std::int64_t>(i)].item<double>();
                squares[i] = 0.9 * squares[i] + 0.1 * slope * slope;
                const double expected = before[searched][static_cast<std::int64_t>(i)].item<double>()
                    - 0.1 * slope / (std::sqrt(squares[i] / (1 - std::pow(0.9, steps))) + 1e-8);
                QVERIFY(std::abs(after[searched][static_cast<std::int64_t>(i)].item<double>() - expected) < 1e-6);
            }
            const at::Tensor shares = at::softmax(after[searched], 0); // what is drawn from now on
            for (std::size_t i = 0; i < 7; ++i)
                QVERIFY(std::abs(block->cells()[0].probabilities[i] - shares[static_cast<std::int64_t>(i)].item<double>()) < 1e-9);
        }
        QCOMPARE(steps, 3);
    }

    void architectureStepsComeAfterAShareOfTheStepsAndLeaveNoTrainingBatchOut()
    {
        experiment::Architecture architecture;
        architecture.train = true;
        architecture.every = 3;
        architecture.after = 0.25;
        const ArchitectureSteps steps(architecture, 20);
        std::vector<std::int64_t> searched, batches, held_out;
        for (std::int64_t step = 0; step < 20; ++step) {
            (steps.contains(step) ? held_out : batches).push_back(steps.batch_of(step));
            if (steps.contains(step))
                searched.push_back(step);
        }
        QCOMPARE(searched, (std::vector<std::int64_t>{8, 12, 16}));
        QCOMPARE(held_out, (std::vector<std::int64_t>{0, 1, 2}));
        for (std::size_t i = 0; i < batches.size(); ++i)
            QCOMPARE(batches[i], static_cast<std::int64_t>(i));
        architecture.train = false;
        for (std::int64_t step = 0; step < 20; ++step)
            QVERIFY(
                !ArchitectureSteps(architecture, 20).contains(step) && ArchitectureSteps(architecture, 20).batch_of(step) == step);
    }

    void epochsAreOfTrainingSamples()
    {
        experiment::Experiment experiment;
        experiment.data.batch = 8;
        experiment.train.epochs = 3;
        QCOMPARE(steps_of(experiment, 80), std::int64_t{30});
        experiment.architecture.train = true;
        experiment.architecture.every = 2;
        experiment.architecture.after = 0.5;
        const std::int64_t all = steps_of(experiment, 80);
        const ArchitectureSteps steps(experiment.architecture, all);
        QCOMPARE(all - steps.before(all), std::int64_t{30});
        QVERIFY(steps.before(all) >= 6);
        experiment.train.steps = 12;
        QCOMPARE(steps_of(experiment, 80), std::int64_t{12});
    }

    void aBlockWithoutCellsHasNone()
    {
        Chain chain;
        chain.add(std::make_unique<ConvolutionUnit>(
            chain.maker("student", 1, "blocks.0").part("unit"), Convolution::Shape{.in = 4, .out = 4}, Activation::Relu6));
        const std::size_t before = chain.parameters().size();
        chain.add_architecture_parameters();
        QCOMPARE(chain.parameters().size(), before);
        QVERIFY(chain.architecture_parameters().empty());
    }
};

QTEST_GUILESS_MAIN(TestArchitecture)
#include "test_architecture.moc"
