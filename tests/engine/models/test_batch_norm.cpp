// BatchNorm over a group: the same numbers as over the whole batch on one rank.
#include "engine/models/batch_norm.h"
#include "engine_testing.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <barrier>
#include <numeric>
#include <thread>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr int channels = 5;

/// Ranks that are threads.
class Ranks {
public:
    explicit Ranks(int size)
        : barrier_(size)
        , parts_(static_cast<std::size_t>(size))
    {
    }

    class Member : public Group {
    public:
        Member(Ranks& ranks, int rank)
            : ranks_(ranks)
            , rank_(rank)
        {
        }

        int size() const override { return static_cast<int>(ranks_.parts_.size()); }

        void sum(at::Tensor& tensor) override
        {
            ++sums;
            ranks_.parts_[static_cast<std::size_t>(rank_)] = tensor.clone();
            ranks_.barrier_.arrive_and_wait();
            tensor.zero_();
            for (const at::Tensor& part : ranks_.parts_)
                tensor.add_(part);
            ranks_.barrier_.arrive_and_wait();
        }

        int sums = 0;

    private:
        Ranks& ranks_;
        int rank_;
    };

private:
    std::barrier<> barrier_;
    std::vector<at::Tensor> parts_;
};

struct Result {
    at::Tensor output, running_mean, running_var, input_gradient, weight_gradient, bias_gradient;
    int sums = 0;
};

at::Tensor weights()
{
    return random_tensor({channels}, 21);
}
at::Tensor biases()
{
    return random_tensor({channels}, 22);
}

/// What one rank has after a forward and a backward pass of these rows.
Result train(const at::Tensor& input, const at::Tensor& gradient, Group* group)
{
    std::vector<NamedTensor> parameters, buffers;
    BatchNorm norm(TensorMaker("student", 0, parameters, buffers), channels);
    parameters[0].tensor.detach().copy_(weights());
    parameters[1].tensor.detach().copy_(biases());
    at::Tensor leaf = input.detach().clone().set_requires_grad(true);
    const at::Tensor output = norm.forward(leaf, {.training = true, .group = group});
    (output * gradient).sum().backward();
    return {output.detach(), buffers[0].tensor, buffers[1].tensor, leaf.grad(), parameters[0].tensor.grad(),
        parameters[1].tensor.grad()};
}

/// The same over the whole batch, in double precision, by LibTorch's own layer.
Result whole(const at::Tensor& input, const at::Tensor& gradient)
{
    const at::TensorOptions wide(at::kDouble);
    at::Tensor leaf = input.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor weight = weights().to(at::kDouble).set_requires_grad(true),
                     bias = biases().to(at::kDouble).set_requires_grad(true);
    at::Tensor running_mean = at::zeros({channels}, wide), running_var = at::ones({channels}, wide);
    const at::Tensor output = at::batch_norm(leaf, weight, bias, running_mean, running_var, true, 0.1, 1e-5, false);
    (output * gradient.to(at::kDouble)).sum().backward();
    return {output.detach(), running_mean, running_var, leaf.grad(), weight.grad(), bias.grad()};
}

std::vector<Result> train_in_group(const at::Tensor& input, const at::Tensor& gradient, const std::vector<std::int64_t>& shards)
{
    Ranks ranks(static_cast<int>(shards.size()));
    std::vector<Result> results(shards.size());
    std::vector<std::jthread> threads;
    std::int64_t begin = 0;
    for (std::size_t rank = 0; rank < shards.size(); begin += shards[rank++]) {
        threads.emplace_back([&, rank, begin] {
            Ranks::Member group(ranks, static_cast<int>(rank));
            results[rank] = train(input.narrow(0, begin, shards[rank]), gradient.narrow(0, begin, shards[rank]), &group);
            results[rank].sums = group.sums;
        });
    }
    for (std::jthread& thread : threads)
        thread.join();
    return results;
}

} // namespace

class TestBatchNorm : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aGroupNormalisesAsOneRankWithTheWholeBatch_data()
    {
        QTest::addColumn<std::vector<std::int64_t>>("shards");
        QTest::addColumn<double>("mean");
        QTest::newRow("equal shards") << std::vector<std::int64_t>{4, 4} << 0.0;
        QTest::newRow("unequal shards") << std::vector<std::int64_t>{5, 3} << 0.0;
        QTest::newRow("three ranks, far from zero") << std::vector<std::int64_t>{3, 4, 1} << 1000.0;
    }

    void aGroupNormalisesAsOneRankWithTheWholeBatch()
    {
        QFETCH(std::vector<std::int64_t>, shards);
        QFETCH(double, mean);
        const std::int64_t rows = std::accumulate(shards.begin(), shards.end(), std::int64_t{0});
        const at::Tensor input = random_map({rows, channels, 4, 3}, 1).add_(mean), gradient = random_map({rows, channels, 4, 3}, 2);
        const Result expected = whole(input, gradient);
        const std::vector<Result> results = train_in_group(input, gradient, shards);

        std::vector<at::Tensor> outputs, input_gradients;
        at::Tensor weight_gradient = at::zeros({channels}), bias_gradient = at::zeros({channels});
        for (const Result& result : results) {
            outputs.push_back(result.output);
            input_gradients.push_back(result.input_gradient);
            weight_gradient.add_(result.weight_gradient);
            bias_gradient.add_(result.bias_gradient);
            QVERIFY(same_bits(result.running_mean, results[0].running_mean));
            QVERIFY(same_bits(result.running_var, results[0].running_var));
            QCOMPARE(result.sums, 2);
        }
        // Float32 values around 1000 are 6e-5 apart.
        const double tolerance = mean > 0 ? 4e-4 : 4e-6;
        QVERIFY(largest_difference(at::cat(outputs), expected.output) < tolerance);
        QVERIFY(largest_difference(at::cat(input_gradients), expected.input_gradient) < tolerance);
        QVERIFY(largest_difference(weight_gradient, expected.weight_gradient) < 10 * tolerance);
        QVERIFY(largest_difference(bias_gradient, expected.bias_gradient) < 10 * tolerance);
        QVERIFY(largest_difference(results[0].running_mean, expected.running_mean) < tolerance);
        QVERIFY(largest_difference(results[0].running_var, expected.running_var) < tolerance);
    }

    // As imported models may have it: any number of dimensions, no weights, a momentum and epsilon of their own.
    void otherShapesAndSettingsAreNormalisedAlike_data()
    {
        QTest::addColumn<std::vector<std::int64_t>>("shape");
        QTest::addColumn<bool>("affine");
        QTest::newRow("features") << std::vector<std::int64_t>{7, channels} << true;
        QTest::newRow("features without weights") << std::vector<std::int64_t>{7, channels} << false;
        QTest::newRow("sequences") << std::vector<std::int64_t>{7, channels, 6} << true;
    }

    void otherShapesAndSettingsAreNormalisedAlike()
    {
        QFETCH(std::vector<std::int64_t>, shape);
        QFETCH(bool, affine);
        const at::Tensor input = random_tensor(shape, 1, at::kDouble), gradient = random_tensor(shape, 2, at::kDouble);
        const auto settings = [&] {
            const at::TensorOptions wide(at::kDouble);
            return Normalisation{.weight = affine ? weights().to(at::kDouble) : at::Tensor(),
                .bias = affine ? biases().to(at::kDouble) : at::Tensor(),
                .running_mean = at::zeros({channels}, wide),
                .running_var = at::ones({channels}, wide),
                .momentum = 0.3,
                .epsilon = 0.01};
        };
        const auto train_rows = [&](std::int64_t begin, std::int64_t rows, Group* group, Normalisation& with) {
            at::Tensor leaf = input.narrow(0, begin, rows).clone().set_requires_grad(true);
            const at::Tensor output = batch_norm(leaf, with, {.training = true, .group = group});
            (output * gradient.narrow(0, begin, rows)).sum().backward();
            return std::pair(output.detach(), leaf.grad());
        };
        Normalisation alone = settings(), first = settings(), second = settings();
        const auto [expected, expected_gradient] = train_rows(0, 7, nullptr, alone);
        Ranks ranks(2);
        std::pair<at::Tensor, at::Tensor> upper, lower;
        {
            const std::jthread one([&] {
                Ranks::Member group(ranks, 0);
                upper = train_rows(0, 4, &group, first);
            });
            const std::jthread other([&] {
                Ranks::Member group(ranks, 1);
                lower = train_rows(4, 3, &group, second);
            });
        }
        QVERIFY(largest_difference(at::cat({upper.first, lower.first}), expected) < 1e-12);
        QVERIFY(largest_difference(at::cat({upper.second, lower.second}), expected_gradient) < 1e-12);
        QVERIFY(largest_difference(first.running_mean, alone.running_mean) < 1e-12);
        QVERIFY(largest_difference(second.running_var, alone.running_var) < 1e-12);
    }

    void aGroupOfOneIsNoGroupBitForBit()
    {
        const at::Tensor input = random_map({6, channels, 4, 3}, 1), gradient = random_map({6, channels, 4, 3}, 2);
        Ranks ranks(1);
        Ranks::Member group(ranks, 0);
        const Result alone = train(input, gradient, nullptr), grouped = train(input, gradient, &group);
        QVERIFY(same_bits(grouped.output, alone.output));
        QVERIFY(same_bits(grouped.input_gradient, alone.input_gradient));
        QVERIFY(same_bits(grouped.weight_gradient, alone.weight_gradient));
        QVERIFY(same_bits(grouped.running_var, alone.running_var));
        QCOMPARE(group.sums, 0);
    }

    void evaluationAsksNobody()
    {
        class Forbidden : public Group {
            int size() const override { return 2; }
            void sum(at::Tensor&) override { QFAIL("a sum over the group"); }
        } group;
        std::vector<NamedTensor> parameters, buffers;
        BatchNorm norm(TensorMaker("student", 0, parameters, buffers), channels);
        norm.forward(random_map({6, channels, 4, 3}, 1), {.group = &group});
    }
};

QTEST_GUILESS_MAIN(TestBatchNorm)
#include "test_batch_norm.moc"
