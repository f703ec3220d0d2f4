// Deriving a student from a supernet: the choice of cells is the one that brute force over all of them finds.
#include "engine_testing.h"

#include "engine/models/supernet.h"
#include "engine/search/derive.h"
#include "engine/search/search_architecture.h"

#include "base/random.h"
#include "small_pair.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/var.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

double fraction(std::initializer_list<std::uint64_t> place)
{
    return static_cast<double>(draw(place) >> 11) * 0x1p-53;
}

/// Calls visit(choice) for each way to take one of `counts[i]` in every place i.
template <typename Visit>
void for_all_choices(const std::vector<std::size_t>& counts, Visit visit)
{
    std::vector<int> choice(counts.size(), 0);
    for (;;) {
        visit(choice);
        std::size_t place = 0;
        while (place < counts.size() && ++choice[place] == static_cast<int>(counts[place]))
            choice[place++] = 0;
        if (place == counts.size())
            return;
    }
}

std::vector<std::size_t> counts_of(const BlockCosts& costs)
{
    std::vector<std::size_t> counts;
    for (const std::vector<Cost>& cell : costs.cells)
        counts.push_back(cell.size());
    return counts;
}

BlockCosts random_costs(std::uint64_t seed, std::size_t cells, std::size_t candidates)
{
    BlockCosts costs;
    costs.fixed = {.macs = 100, .parameters = 10};
    costs.cells.resize(cells);
    for (std::size_t cell = 0; cell < cells; ++cell)
        for (std::size_t candidate = 0; candidate < candidates; ++candidate)
            costs.cells[cell].push_back({.macs = static_cast<std::int64_t>(below(1000, draw({seed, 1, cell, candidate}))),
                .parameters = static_cast<std::int64_t>(below(1000, draw({seed, 2, cell, candidate})))});
    return costs;
}

bool is_within(const Cost& cost, const Budget& budget)
{
    return cost.macs <= budget.most.macs && cost.parameters <= budget.most.parameters;
}

/// Two blocks of a chain of two cells each on 8x8 maps: 42 choices a block.
class TinyPair final : public Pair {
public:
    std::string_view name() const override { return "tiny"; }
    std::vector<std::string> block_names() const override { return {"first", "second"}; }
    Input input() const override { return {.shape = {1, 8, 8}}; }
    int classes() const override { return 5; }
    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override
    {
        auto chain = std::make_unique<Chain>();
        const TensorMaker maker = chain->maker("teacher", seed, "blocks." + std::to_string(block));
        const int in = block == 0 ? 1 : 4;
        chain->add(std::make_unique<InvertedResidual>(maker.part("only"), InvertedResidual::Shape{.in = in, .out = 4}));
        if (block == 1)
            chain->add(std::make_unique<Classifier>(maker.part("classifier"), 4, 5));
        return chain;
    }
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override
    {
        auto supernet = std::make_unique<SupernetBlock>(block);
        const TensorMaker maker = supernet->maker("student", seed, "blocks." + std::to_string(block));
        supernet->add_cell(maker, block == 0 ? 1 : 4, 4, 1);
        supernet->add_cell(maker, 4, 4, 1);
        if (block == 1)
            supernet->add(std::make_unique<Classifier>(maker.part("classifier"), 4, 5));
        return supernet;
    }
};

class TinyData final : public DataSet {
public:
    std::int64_t size(Split split) const override { return split == Split::HeldOut ? 12 : 40; }
    int classes() const override { return 5; }
    Batch get(Split split, std::span<const Sample> samples) const override
    {
        Batch batch{at::empty({static_cast<std::int64_t>(samples.size()), 1, 8, 8}),
            at::zeros({static_cast<std::int64_t>(samples.size())}, at::kLong)};
        for (std::size_t row = 0; row < samples.size(); ++row)
            batch.input.select(0, static_cast<std::int64_t>(row))
                .copy_(
                    test::numbers({1, 8, 8}, static_cast<std::uint64_t>(samples[row].index) + (split == Split::HeldOut ? 500 : 0)));
        batch.input = canonical(batch.input);
        return batch;
    }
};

} // namespace

class TestDerive : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theBestChoiceWithinABudgetIsThatOfBruteForce()
    {
        int reached = 0;
        int refused = 0;
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            std::vector<BlockCosts> costs;
            std::vector<MeasureLoss> losses;
            std::vector<std::size_t> counts;
            for (std::uint64_t block = 0; block < 3; ++block) {
                costs.push_back(random_costs(draw({seed, block}), 2, 3));
                losses.push_back([=](const std::vector<int>& choice) {
                    return fraction({seed, block, static_cast<std::uint64_t>(choice[0]), static_cast<std::uint64_t>(choice[1])});
                });
                counts.insert(counts.end(), 2, 3);
            }
            Budget budget;
            if (seed % 4 != 0)
                budget.most.macs = 1000 + static_cast<std::int64_t>(below(2500, draw({seed, 7})));
            if (seed % 4 > 1)
                budget.most.parameters = 700 + static_cast<std::int64_t>(below(2500, draw({seed, 8})));

            double least = std::numeric_limits<double>::infinity();
            for_all_choices(counts, [&](const std::vector<int>& all) {
                double loss = 0;
                Cost cost;
                for (std::size_t block = 0; block < 3; ++block) {
                    const std::vector<int> choice(all.begin() + static_cast<std::ptrdiff_t>(2 * block),
                        all.begin() + static_cast<std::ptrdiff_t>(2 * block + 2));
                    loss += losses[block](choice);
                    cost = cost + costs[block].of(choice);
                }
                if (is_within(cost, budget))
                    least = std::min(least, loss);
            });

            std::vector<std::vector<Choice>> choices;
            for (std::size_t block = 0; block < 3; ++block)
                choices.push_back(choices_of(costs[block], budget, losses[block]));
            if (!std::isfinite(least)) {
                QVERIFY(error_of([&] { pick_choices(choices, budget); }).has_value());
                ++refused;
                continue;
            }
            const std::vector<std::size_t> picked = pick_choices(choices, budget);
            double loss = 0;
            Cost cost;
            for (std::size_t block = 0; block < 3; ++block) {
                const Choice& choice = choices[block][picked[block]];
                QCOMPARE(choice.loss, losses[block](choice.candidates));
                QVERIFY(choice.cost == costs[block].of(choice.candidates));
                loss += choice.loss;
                cost = cost + choice.cost;
            }
            QVERIFY(is_within(cost, budget));
            QVERIFY2(std::abs(loss - least) < 1e-12, qPrintable(QString("seed %1: %2, not %3").arg(seed).arg(loss).arg(least)));
            ++reached;
        }
        QVERIFY(reached > 20);
        QVERIFY(refused > 2);
    }

    void whereThereAreManyPathsFewAreMeasured()
    {
        const BlockCosts costs = random_costs(3, 4, 7); // 2,401 paths
        Budget budget;
        budget.most.macs = 1'000'000;
        std::size_t asked = 0;
        const auto part = [&](std::size_t cell, int candidate) {
            return fraction({5, cell, static_cast<std::uint64_t>(candidate)});
        };
        const std::vector<Choice> choices = choices_of(costs, budget, [&](const std::vector<int>& choice) {
            ++asked;
            double sum = 0; // what cells add does not depend on the others: then the walk finds the best
            for (std::size_t cell = 0; cell < choice.size(); ++cell)
                sum += part(cell, choice[cell]);
            return sum;
        });
        QVERIFY2(asked < 100, qPrintable(QString::number(asked)));
        double least = 0;
        for (std::size_t cell = 0; cell < 4; ++cell) {
            double best = 1;
            for (int candidate = 0; candidate < 7; ++candidate)
                best = std::min(best, part(cell, candidate));
            least += best;
        }
        QVERIFY(std::abs(choices.front().loss - least) < 1e-12);
        QCOMPARE(choices.back().cost.macs, costs.smallest(&Cost::macs));
        for (std::size_t i = 1; i < choices.size(); ++i) {
            QVERIFY(choices[i].loss > choices[i - 1].loss);
            QVERIFY(choices[i].cost.macs < choices[i - 1].cost.macs);
        }
        QVERIFY(choices.size() > 3);
    }

    void aBudgetThatCannotBeReachedIsRefusedByTheLeastThatCan()
    {
        const std::vector<BlockCosts> costs = {random_costs(1, 2, 3), random_costs(2, 3, 3)};
        const std::int64_t least = costs[0].smallest(&Cost::macs) + costs[1].smallest(&Cost::macs);
        Budget budget;
        budget.most.macs = least;
        require_within_reach(costs, budget);
        budget.most.macs = least - 1;
        const std::optional<Error> error = error_of([&] { require_within_reach(costs, budget); });
        const QByteArray line = "no choice of cells of the supernet has at most " + QByteArray::number(qlonglong(least - 1))
            + " multiply-accumulates: [derive]; give a larger budget: the smallest possible is "
            + QByteArray::number(qlonglong(least)) + " multiply-accumulates";
        VERIFY_SAYS(error, line.constData());
    }

    void aRelativeLossIsNoneForTheTargetAndOneForTheBestConstant()
    {
        const at::Tensor maps = random_map({6, 3, 4, 4}, 1, at::kDouble);
        QCOMPARE(relative_loss("mse", maps, maps), 0.0);
        QVERIFY(std::abs(relative_loss("mse", maps.mean(0, true).expand_as(maps), maps) - 1) < 1e-12);
        const at::Tensor noise = random_map({6, 3, 4, 4}, 2, at::kDouble);
        const double share = noise.square().mean().item<double>() / at::var(maps, {0}, false).mean().item<double>();
        QVERIFY(std::abs(relative_loss("mse", maps + noise, maps) - share) < 1e-12);

        const at::Tensor logits = random_tensor({6, 5}, 3, at::kDouble);
        QVERIFY(std::abs(relative_loss("soft-cross-entropy", logits + 2, logits)) < 1e-12);
        const at::Tensor mean = logits.softmax(1).mean(0, true).log();
        QVERIFY(std::abs(relative_loss("soft-cross-entropy", mean.expand_as(logits), logits) - 1) < 1e-12);
        QVERIFY(relative_loss("soft-cross-entropy", mean.expand_as(logits) + random_tensor({6, 5}, 4, at::kDouble), logits) > 1);
    }

    void theArchitectureOfASupernetIsThatOfBruteForce()
    {
        at::NoGradGuard no_grad;
        const TinyPair pair;
        const TinyData data;
        experiment::Experiment experiment;
        experiment.pair = "tiny";
        experiment.data.batch = 4;
        experiment.derive.samples = 8;
        std::vector<std::unique_ptr<Block>> teacher, student;
        std::vector<Block*> teachers, students;
        std::vector<BlockCosts> costs;
        for (int block = 0; block < 2; ++block) {
            teacher.push_back(pair.make_teacher(block, 1));
            student.push_back(pair.make_student(block, 2));
            teachers.push_back(teacher.back().get());
            students.push_back(student.back().get());
            costs.push_back(figures_of(pair, Network::Student)[static_cast<std::size_t>(block)].costs);
        }

        // Each block's losses, on two batches of four held-out samples, with the statistics of the batch.
        std::vector<std::map<std::vector<int>, double>> losses(2);
        std::vector<at::Tensor> inputs;
        for (std::int64_t batch = 0; batch < 2; ++batch) {
            std::vector<Sample> samples;
            for (std::int64_t i = 0; i < 4; ++i)
                samples.push_back({.index = 4 * batch + i});
            inputs.push_back(data.get(DataSet::Split::HeldOut, samples).input);
        }
        for (std::size_t block = 0; block < 2; ++block) {
            std::vector<at::Tensor> targets;
            for (const at::Tensor& input : inputs)
                targets.push_back(teachers[block]->forward(input, {}));
            const std::unique_ptr<Block> measured = pair.make_student(static_cast<int>(block), 2);
            for_all_choices(counts_of(costs[block]), [&](const std::vector<int>& choice) {
                measured->choose(choice);
                double sum = 0;
                for (std::size_t i = 0; i < 2; ++i) {
                    const at::Tensor output = measured->forward(inputs[i], {.training = true});
                    sum += block == 0
                        ? ((output - targets[i]).square().mean() / at::var(targets[i], {0}, false).mean()).item<double>()
                        : relative_loss("soft-cross-entropy", output, targets[i]);
                }
                losses[block][choice] = sum / 2;
            });
            inputs = targets;
        }

        const Cost largest{costs[0].largest(&Cost::macs) + costs[1].largest(&Cost::macs), 0};
        const std::vector<at::Tensor> before = copies_of(students[0]->buffers());
        std::set<double> found;
        const std::int64_t smallest = costs[0].smallest(&Cost::macs) + costs[1].smallest(&Cost::macs);
        double share = 0;
        while (share == 0 || share * static_cast<double>(largest.macs) >= static_cast<double>(smallest)) {
            experiment.derive.macs = share;
            double least = std::numeric_limits<double>::infinity();
            for (const auto& [first, first_loss] : losses[0])
                for (const auto& [second, second_loss] : losses[1])
                    if (share == 0
                        || costs[0].of(first).macs + costs[1].of(second).macs <= share * static_cast<double>(largest.macs))
                        least = std::min(least, first_loss + second_loss);
            const Architecture chosen
                = search_architecture(experiment, pair, teachers, students, costs, largest, data, at::Device(at::kCPU));
            const double loss = chosen.blocks[0].loss + chosen.blocks[1].loss;
            QVERIFY2(std::abs(loss - least) < 1e-5 * least, qPrintable(QString("%1: %2, not %3").arg(share).arg(loss).arg(least)));
            QCOMPARE(chosen.samples, std::int64_t{8});
            QVERIFY(chosen.held_out);
            for (const Architecture::ChosenBlock& block : chosen.blocks)
                for (const Architecture::Cell& cell : block.cells)
                    QCOMPARE(cell.losses[static_cast<std::size_t>(cell.chosen)], block.loss);
            found.insert(loss);
            share
                = (static_cast<double>(chosen.cost().macs) - 0.5) / static_cast<double>(largest.macs); // too little for that choice
        }
        QVERIFY(found.size() > 1); // each budget has made a difference
        for (std::size_t i = 0; i < before.size(); ++i)
            QVERIFY(same_bits(before[i], students[0]->buffers()[i].tensor));
    }
};

QTEST_GUILESS_MAIN(TestDerive)
#include "test_derive.moc"
