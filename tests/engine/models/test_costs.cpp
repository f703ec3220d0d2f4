// What a block costs: multiply-accumulates and parameters, by candidate, against counts made by hand.
#include <QTest>

#include "engine/models/block_costs.h"
#include "engine/models/macs.h"
#include "engine/pairs.h"
#include "engine_testing.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <functional>

using namespace pipebd;
using namespace pipebd::engine;

class TestCosts : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void operatorsAreCountedOnce_data()
    {
        QTest::addColumn<std::function<void()>>("work");
        QTest::addColumn<std::int64_t>("macs");
        const auto tensor = [](at::IntArrayRef shape) { return random_tensor(shape, 1); };
        const auto row = [](const char* name, std::function<void()> work, std::int64_t macs) {
            QTest::newRow(name) << std::move(work) << macs;
        };
        row(
            "convolution",
            [=] {
                at::conv2d(tensor({2, 6, 8, 8}), tensor({9, 2, 3, 3}), {}, 2, 1, 1, 3);
            },
            2 * 9 * 4 * 4 * (2 * 3 * 3));
        row(
            "transposed convolution",
            [=] {
                at::conv_transpose2d(tensor({1, 6, 5, 5}), tensor({6, 4, 3, 3}));
            },
            6 * 25 * 4 * 9);
        row(
            "linear",
            [=] {
                at::linear(tensor({3, 5}), tensor({7, 5}), tensor({7}));
            },
            3 * 5 * 7);
        row(
            "linear of texts",
            [=] {
                at::linear(tensor({2, 3, 5}), tensor({7, 5}), tensor({7}));
            },
            2 * 3 * 5 * 7);
        row(
            "product of batches",
            [=] {
                at::matmul(tensor({4, 2, 3}), tensor({4, 3, 5}));
            },
            4 * 2 * 3 * 5);
        row(
            "product with a vector",
            [=] {
                at::matmul(tensor({2, 3}), tensor({3}));
            },
            2 * 3);
        row(
            "attention",
            [=] {
                at::scaled_dot_product_attention(tensor({2, 3, 5, 4}), tensor({2, 3, 6, 4}), tensor({2, 3, 6, 8}));
            },
            2 * 3 * 5 * 6 * (4 + 8));
        row(
            "nothing that counts",
            [=] {
                (tensor({2, 3}) * 2).sum();
            },
            0);
    }

    void operatorsAreCountedOnce()
    {
        QFETCH(std::function<void()>, work);
        QFETCH(std::int64_t, macs);
        work(); // is not counted
        const MacCounter counter;
        work();
        QCOMPARE(counter.total(), macs);
        work();
        QCOMPARE(counter.total(), 2 * macs);
    }

    void everyCandidateHasItsOwnCost()
    {
        const std::vector<BlockFigures> figures = figures_of(find_pair("nas-digits"), Network::Student);
        QCOMPARE(figures.size(), std::size_t{6});
        const BlockCosts& costs = figures[1].costs; // 16 to 24 channels, 32x32 to 16x16
        const auto candidate = [](std::int64_t in, std::int64_t out, std::int64_t from, std::int64_t to, std::int64_t kernel,
                                   std::int64_t expansion) {
            const std::int64_t middle = in * expansion, taps = kernel * kernel;
            return Cost{.macs = from * from * in * middle + to * to * middle * (taps + out),
                .parameters = in * middle + middle * taps + middle * out + 2 * (middle + middle + out)};
        };
        QCOMPARE(costs.fixed, (Cost{0, 0}));
        QCOMPARE(costs.cells.size(), std::size_t{4});
        for (std::size_t cell = 0; cell < 4; ++cell) {
            std::vector<Cost> expected;
            for (std::int64_t kernel : {3, 5, 7})
                for (std::int64_t expansion : {3, 6})
                    expected.push_back(
                        cell == 0 ? candidate(16, 24, 32, 16, kernel, expansion) : candidate(24, 24, 16, 16, kernel, expansion));
            if (cell > 0)
                expected.push_back({0, 0}); // zero
            QCOMPARE(costs.cells[cell], expected);
        }
        QCOMPARE(costs.smallest(&Cost::macs), costs.cells[0][0].macs);
        QCOMPARE(costs.largest(&Cost::parameters), costs.cells[0][5].parameters + 3 * costs.cells[1][5].parameters);
        QCOMPARE(costs.of(std::vector<int>{0, 6, 1, 6}), costs.cells[0][0] + costs.cells[2][1]);
        std::int64_t all = 0;
        for (const std::vector<Cost>& candidates : costs.cells)
            for (const Cost& one : candidates)
                all += one.parameters;
        QCOMPARE(figures[1].parameters, all);
        double mean = 0;
        for (const std::vector<Cost>& candidates : costs.cells)
            for (const Cost& one : candidates)
                mean += static_cast<double>(one.macs) / static_cast<double>(candidates.size());
        QVERIFY(std::abs(costs.mean(&Cost::macs) - mean) < 1e-6 * mean);
    }

    void whatIsOutsideOfCellsIsFixed()
    {
        const std::vector<BlockFigures> figures = figures_of(find_pair("nas-digits"), Network::Student);
        constexpr std::int64_t stem = 32 * 32 * 16 * 9, first = 32 * 32 * 16 * (9 + 8);
        QCOMPARE(figures[0].costs.fixed, (Cost{stem + first, 16 * 9 + 2 * 16 + 16 * 9 + 2 * 16 + 16 * 8 + 2 * 8}));
        QCOMPARE(figures[5].costs.fixed, (Cost{4 * 4 * 192 * 640 + 6400, 192 * 640 + 2 * 640 + 6400 + 10}));
    }

    void aDerivedBlockCostsWhatWasChosen()
    {
        const Pair& pair = find_pair("nas-digits");
        const BlockCosts costs = figures_of(pair, Network::Student)[2].costs;
        const std::vector<int> chosen{5, 6, 0, 3};
        const std::unique_ptr<Block> derived
            = make_derived(pair, 2, 0, {"mbconv_7x7_e6", "zero", "mbconv_3x3_e3", "mbconv_5x5_e6"});
        std::int64_t parameters = 0;
        for (const NamedTensor& named : derived->parameters())
            parameters += named.tensor.numel();
        const MacCounter counter;
        derived->forward(random_map({1, 24, 16, 16}, 1), {});
        QCOMPARE((Cost{counter.total(), parameters}), costs.of(chosen));
    }
};

QTEST_GUILESS_MAIN(TestCosts)
#include "test_costs.moc"
