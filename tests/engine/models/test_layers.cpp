// Layers: their gradients, the supernet's paths, and that nothing depends on how a tensor lies in memory.
#include "engine/models/layers.h"
#include "engine/models/supernet.h"
#include "engine_testing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

/// All layers there are, one of each kind.
std::unique_ptr<Chain> chain_of_everything()
{
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker("student", 3, "blocks.0");
    chain->add(std::make_unique<ConvolutionUnit>(
        maker.part("stem"), Convolution::Shape{.in = 2, .out = 6, .kernel = 3}, Activation::Relu6));
    chain->add(std::make_unique<InvertedResidual>(maker.part("plain"), InvertedResidual::Shape{.in = 6, .out = 6, .expansion = 1}));
    chain->add(std::make_unique<InvertedResidual>(
        maker.part("wider"), InvertedResidual::Shape{.in = 6, .out = 8, .stride = 2, .kernel = 5, .expansion = 3}));
    chain->add(std::make_unique<Classifier>(maker.part("classifier"), 8, 4));
    return chain;
}

void make_double(Block& block)
{
    for (const std::vector<NamedTensor>* tensors : {&block.parameters(), &block.buffers()})
        for (NamedTensor named : *tensors)
            named.tensor.set_data(named.tensor.detach().to(at::kDouble));
}

/// A scalar that every output has its own weight in.
at::Tensor weighed(const at::Tensor& output)
{
    return (output * random_tensor(output.sizes(), 77, output.scalar_type())).sum();
}

std::unique_ptr<SupernetBlock> supernet(int block)
{
    auto supernet = std::make_unique<SupernetBlock>(block);
    const TensorMaker maker = supernet->maker("student", 0, "blocks." + std::to_string(block));
    supernet->add(std::make_unique<ConvolutionUnit>(
        maker.part("stem"), Convolution::Shape{.in = 1, .out = 4, .kernel = 3}, Activation::Relu6));
    supernet->add_cell(maker, 4, 8, 2); // no zero: stride 2
    supernet->add_cell(maker, 8, 8, 1);
    supernet->add_cell(maker, 8, 8, 1);
    supernet->add_cell(maker, 8, 12, 1); // no zero: another width
    return supernet;
}

} // namespace

class TestLayers : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void gradientsAreThoseOfFiniteDifferences_data()
    {
        QTest::addColumn<bool>("training");
        QTest::newRow("training") << true;
        QTest::newRow("evaluation") << false;
    }

    void gradientsAreThoseOfFiniteDifferences()
    {
        QFETCH(bool, training);
        const std::unique_ptr<Chain> chain = chain_of_everything();
        make_double(*chain);
        for (const NamedTensor& named : chain->parameters())
            if (named.name.ends_with("norm.bias")) // at 0, whole regions lie on the kink of ReLU6
                named.tensor.detach().copy_(random_tensor(named.tensor.sizes(), 50, at::kDouble));
        const at::Tensor input = random_map({3, 2, 6, 6}, 1, at::kDouble).set_requires_grad(true);
        const Context context{.training = training};
        const auto loss = [&] { return weighed(chain->forward(input, context)); };
        loss().backward();

        std::vector<NamedTensor> inputs = chain->parameters();
        inputs.push_back({"input", input});
        constexpr double step = 1e-6;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            at::Tensor values = inputs[i].tensor.detach(); // shares its memory
            const at::Tensor direction = random_tensor(values.sizes(), 100 + i, at::kDouble);
            const double expected = (inputs[i].tensor.grad() * direction).sum().item<double>();
            values.add_(direction, step);
            const double above = loss().item<double>();
            values.add_(direction, -2 * step);
            const double below = loss().item<double>();
            values.add_(direction, step);
            const double measured = (above - below) / (2 * step);
            QVERIFY2(std::abs(measured - expected) <= 1e-5 * (1 + std::abs(expected)),
                qPrintable(QString("%1: %2 instead of %3").arg(inputs[i].name.c_str()).arg(expected).arg(measured)));
        }
    }

    void activationsAreClampedBetween0And6()
    {
        std::vector<NamedTensor> parameters, buffers;
        const TensorMaker maker("student", 0, parameters, buffers);
        const Convolution::Shape shape{.in = 4, .out = 4};
        ConvolutionUnit activated(maker.part("unit"), shape, Activation::Relu6),
            linear(maker.part("unit"), shape, Activation::None);
        const at::Tensor input = random_map({4, 4, 8, 8}, 2) * 20;
        const at::Tensor output = linear.forward(input, {});
        QVERIFY(output.min().item<double>() < 0 && output.max().item<double>() > 6);
        QVERIFY(same_bits(activated.forward(input, {}), output.clamp(0, 6)));
    }

    void aCellAddsItsInputWhereStrideIs1AndTheWidthStays_data()
    {
        QTest::addColumn<int>("out");
        QTest::addColumn<int>("stride");
        QTest::addColumn<bool>("adds");
        QTest::newRow("residual") << 4 << 1 << true;
        QTest::newRow("another width") << 6 << 1 << false;
        QTest::newRow("stride 2") << 4 << 2 << false;
    }

    void aCellAddsItsInputWhereStrideIs1AndTheWidthStays()
    {
        QFETCH(int, out);
        QFETCH(int, stride);
        QFETCH(bool, adds);
        std::vector<NamedTensor> parameters, buffers;
        InvertedResidual cell(
            TensorMaker("student", 0, parameters, buffers), InvertedResidual::Shape{.in = 4, .out = out, .stride = stride});
        for (const NamedTensor& named : parameters) // so that all but the input is 0
            named.tensor.detach().zero_();
        const at::Tensor input = random_map({2, 4, 8, 8}, 3), output = cell.forward(input, {});
        if (adds)
            QVERIFY(same_bits(output, input));
        else
            QCOMPARE(output.detach().abs().max().item<double>(), 0.0);
        QCOMPARE(output.size(1), out);
        QCOMPARE(output.size(2), 8 / stride);
    }

    void aClassifierSeesTheMeanOfItsMap()
    {
        std::vector<NamedTensor> parameters, buffers;
        Classifier classifier(TensorMaker("student", 0, parameters, buffers), 3, 2);
        parameters[1].tensor.detach().copy_(random_tensor({2}, 4));
        const at::Tensor input = random_map({2, 3, 4, 5}, 3), output = classifier.forward(input, {});
        for (int row = 0; row < 2; ++row) {
            for (int label = 0; label < 2; ++label) {
                double expected = parameters[1].tensor[label].item<double>();
                for (int channel = 0; channel < 3; ++channel)
                    expected += parameters[0].tensor[label][channel].item<double>() * input[row][channel].sum().item<double>() / 20;
                QVERIFY(std::abs(output[row][label].item<double>() - expected) < 1e-6);
            }
        }
    }

    void evaluationLeavesBatchStatisticsAloneAndTrainingFollowsThem()
    {
        const std::unique_ptr<Chain> chain = chain_of_everything();
        const std::vector<at::Tensor> before = copies_of(chain->buffers());

        chain->forward(random_map({3, 2, 6, 6}, 1), {});
        for (std::size_t i = 0; i < before.size(); ++i)
            QVERIFY(same_bits(chain->buffers()[i].tensor, before[i]));

        chain->forward(random_map({3, 2, 6, 6}, 1), {.training = true});
        for (std::size_t i = 0; i < before.size(); ++i)
            QVERIFY(!same_bits(chain->buffers()[i].tensor, before[i]));
    }

    void bitsDoNotDependOnHowATensorCame_data()
    {
        QTest::addColumn<std::vector<std::int64_t>>("shape");
        QTest::newRow("map") << std::vector<std::int64_t>{4, 2, 6, 6};
        QTest::newRow("one sample") << std::vector<std::int64_t>{1, 2, 6, 6};
        QTest::newRow("one pixel") << std::vector<std::int64_t>{4, 2, 1, 1};
        QTest::newRow("one column") << std::vector<std::int64_t>{4, 2, 6, 1};
    }

    void bitsDoNotDependOnHowATensorCame()
    {
        QFETCH(std::vector<std::int64_t>, shape);
        const std::unique_ptr<Chain> chain = chain_of_everything();
        const at::Tensor plain = random_tensor(shape, 5);
        const at::Tensor last = plain.contiguous(at::MemoryFormat::ChannelsLast);
        const at::Tensor relayed = plain.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}); // as NHWC over a wire
        const at::Tensor sliced = at::empty({shape[0] + 2, shape[1], shape[2], shape[3]}).narrow(0, 1, shape[0]).copy_(plain);

        const at::Tensor expected = chain->forward(last, {});
        QVERIFY(same_bits(chain->forward(plain, {}), expected));
        QVERIFY(same_bits(chain->forward(relayed, {}), expected));
        QVERIFY(same_bits(chain->forward(sliced, {}), expected));
        for (const at::Tensor& tensor : {plain, last, relayed, sliced}) {
            const std::vector<std::int64_t> strides{shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]};
            QCOMPARE(canonical(tensor).strides().vec(), strides);
            QVERIFY(same_bits(canonical(tensor), plain));
        }
    }

    void outputsOfBlocksAreChannelsLast()
    {
        Chain chain;
        const TensorMaker maker = chain.maker("teacher", 0, "blocks.0");
        chain.add(std::make_unique<InvertedResidual>(maker.part("cell"), InvertedResidual::Shape{.in = 4, .out = 6, .stride = 2}));
        const at::Tensor output = chain.forward(random_tensor({3, 4, 2, 2}, 1), {});
        QCOMPARE(output.sizes().vec(), (std::vector<std::int64_t>{3, 6, 1, 1}));
        QCOMPARE(output.strides().vec(), (std::vector<std::int64_t>{6, 1, 6, 6}));
    }

    void onlyResidualCellsMayLeaveTheirInputAlone()
    {
        const std::unique_ptr<SupernetBlock> block = supernet(2);
        const std::vector<std::string> operations{
            "mbconv_3x3_e3", "mbconv_3x3_e6", "mbconv_5x5_e3", "mbconv_5x5_e6", "mbconv_7x7_e3", "mbconv_7x7_e6"};
        std::vector<std::string> with_zero = operations;
        with_zero.push_back("zero");

        const std::vector<Block::Cell> cells = block->cells();
        QCOMPARE(cells.size(), std::size_t{4});
        QCOMPARE(cells[0].candidates, operations);
        QCOMPARE(cells[1].candidates, with_zero);
        QCOMPARE(cells[2].candidates, with_zero);
        QCOMPARE(cells[3].candidates, operations);
        QCOMPARE(cells[2].name, std::string("cells.2"));

        // Without the two residual cells the output is that of the others alone.
        const at::Tensor input = random_map({2, 1, 8, 8}, 9);
        block->choose({0, 6, 6, 0});
        const at::Tensor output = block->forward(input, {});
        block->choose({0, 5, 6, 0});
        QVERIFY(!same_bits(block->forward(input, {}), output));
    }

    void theActiveParametersAreThoseThatGetGradients()
    {
        for (int step = 0; step < 12; ++step) {
            const std::unique_ptr<SupernetBlock> block = supernet(1);
            const Context context{.training = true, .seed = 4, .step = step};
            block->forward(random_map({2, 1, 8, 8}, 9), context).sum().backward();
            std::vector<std::size_t> with_gradient;
            for (std::size_t i = 0; i < block->parameters().size(); ++i)
                if (block->parameters()[i].tensor.grad().defined())
                    with_gradient.push_back(i);
            QCOMPARE(block->active_parameters(context), with_gradient);
            QVERIFY(with_gradient.size() < block->parameters().size());
        }
    }

    void thePathIsAFunctionOfSeedStepAndPlace()
    {
        const std::unique_ptr<SupernetBlock> one = supernet(1);
        const std::unique_ptr<SupernetBlock> again = supernet(1);
        const std::unique_ptr<SupernetBlock> elsewhere = supernet(2);
        const auto paths = [](const Block& block, std::uint64_t seed) {
            std::vector<std::vector<std::size_t>> steps;
            for (int step = 99; step >= 0; --step)
                steps.push_back(block.active_parameters({.training = true, .seed = seed, .step = step}));
            return steps;
        };
        const auto expected = paths(*one, 7);
        one->forward(random_map({2, 1, 8, 8}, 9), {.training = true, .seed = 7});
        QCOMPARE(paths(*one, 7), expected);
        QCOMPARE(paths(*again, 7), expected);
        QVERIFY(paths(*one, 8) != expected);
        QVERIFY(paths(*elsewhere, 7) != expected);

        std::vector<NamedTensor> parameters, buffers;
        const TensorMaker maker("student", 0, parameters, buffers);
        const SupernetCell first(maker.part("a"), "a", 0, 1, 8, 8, 1), second(maker.part("b"), "b", 0, 2, 8, 8, 1);
        int same = 0;
        for (int step = 0; step < 700; ++step)
            same += first.path({.step = step}) == second.path({.step = step}) ? 1 : 0;
        QVERIFY2(std::abs(same - 100) < 50, qPrintable(QString::number(same))); // deviation 9
    }

    void everyCandidateIsDrawnEquallyOften()
    {
        std::vector<NamedTensor> parameters, buffers;
        const TensorMaker maker("student", 0, parameters, buffers);
        const SupernetCell cell(maker.part("cell"), "cell", 3, 1, 8, 8, 1);
        std::map<int, int> counts;
        constexpr int draws = 7000;
        for (int step = 0; step < draws; ++step)
            ++counts[cell.path({.seed = 1, .step = step})];
        QCOMPARE(counts.size(), std::size_t{7});
        for (const auto& [path, count] : counts) // 1000 each, deviation 29
            QVERIFY2(std::abs(count - draws / 7) < 150, qPrintable(QString("%1: %2").arg(path).arg(count)));
    }

    void aChosenPathHoldsUntilItIsDrawnAgain()
    {
        const std::unique_ptr<SupernetBlock> block = supernet(1);
        const std::vector<std::size_t> drawn = block->active_parameters({.step = 5});
        block->choose({1, 2, 3, 4});
        const std::vector<std::size_t> chosen = block->active_parameters({.step = 5});
        for (int step = 0; step < 5; ++step)
            QCOMPARE(block->active_parameters({.step = step}), chosen);
        for (std::size_t index : chosen) {
            const std::string& name = block->parameters()[index].name;
            const bool expected = name.find("stem") != std::string::npos || name.find("cells.0.mbconv_3x3_e6.") != std::string::npos
                || name.find("cells.1.mbconv_5x5_e3.") != std::string::npos
                || name.find("cells.2.mbconv_5x5_e6.") != std::string::npos
                || name.find("cells.3.mbconv_7x7_e3.") != std::string::npos;
            QVERIFY2(expected, name.c_str());
        }
        block->choose({});
        QCOMPARE(block->active_parameters({.step = 5}), drawn);
    }

    void aChoiceThatCannotBeIsRefused()
    {
        const std::unique_ptr<SupernetBlock> block = supernet(1);
        VERIFY_SAYS(error_of([&] { block->choose({0, 0}); }), "one for each of the 4 cells");
        VERIFY_SAYS(error_of([&] { block->choose({0, 0, 7, 0}); }), "cell 2; choose one from 0 to 6");
        VERIFY_SAYS(error_of([&] { block->choose({6, 0, 0, 0}); }), "cell 0; choose one from 0 to 5");
        VERIFY_SAYS(error_of([&] { chain_of_everything()->choose({0}); }), "only for the blocks of a supernet");
        VERIFY_SAYS(error_of([&] { block->derive({"zero"}); }), "block 1; choose one for each of the 4 cells");
        VERIFY_SAYS(error_of([&] {
            block->derive({"mbconv_3x3_e3", "zero", "zero", "zero"});
        }),
            "'zero': block 1, cell 3; choose one of: mbconv_3x3_e3, mbconv_3x3_e6");
        VERIFY_SAYS(error_of([&] { chain_of_everything()->derive({"zero"}); }), "only for the blocks of a supernet");
        QCOMPARE(block->cells().size(), std::size_t{4});
    }

    void aDerivedBlockIsWhatWasChosenUnderTheSameNames()
    {
        const std::unique_ptr<SupernetBlock> block = supernet(1), derived = supernet(1);
        block->choose({1, 6, 3, 4});
        derived->derive({"mbconv_3x3_e6", "zero", "mbconv_5x5_e6", "mbconv_7x7_e3"});
        const at::Tensor input = random_map({2, 1, 8, 8}, 9);
        QVERIFY(same_bits(derived->forward(input, {.step = 3}), block->forward(input, {})));
        QVERIFY(derived->cells().empty());
        std::vector<std::string> expected, names;
        for (std::size_t index : block->active_parameters({}))
            expected.push_back(block->parameters()[index].name);
        for (const NamedTensor& named : derived->parameters())
            names.push_back(named.name);
        QCOMPARE(names, expected);
        QCOMPARE(derived->active_parameters({}).size(), names.size());
        for (const NamedTensor& named : derived->buffers())
            QVERIFY2(
                named.name.find("stem") != std::string::npos || named.name.find("_e") != std::string::npos, named.name.c_str());
        QCOMPARE(derived->buffers().size(), std::size_t{2 + 3 * 6}); // a unit has a mean and a variance, a candidate three units
    }
};

QTEST_GUILESS_MAIN(TestLayers)
#include "test_layers.moc"
