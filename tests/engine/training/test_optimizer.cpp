// Optimizers, against PyTorch's published update rules written out for one number at a time.
#include "engine/models/layers.h"
#include "engine/training/optimizer.h"
#include "engine_testing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;
using experiment::Train;

namespace {

Train with_optimizer(const std::string& name, double momentum = 0.9, bool nesterov = true, double weight_decay = 0)
{
    Train train;
    train.optimizer = name;
    train.momentum = momentum;
    train.nesterov = nesterov;
    train.weight_decay = weight_decay;
    return train;
}

Train with_schedule(const std::string& name, double learning_rate)
{
    Train train;
    train.schedule = name;
    train.learning_rate = learning_rate;
    return train;
}

/// A convolution's weight (channels last) and two vectors.
std::unique_ptr<Chain> some_parameters()
{
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker("student", 1, "blocks.0");
    chain->add(std::make_unique<ConvolutionUnit>(
        maker.part("unit"), Convolution::Shape{.in = 8, .out = 5, .kernel = 3}, Activation::Relu6));
    return chain;
}

at::Tensor gradient_of(const at::Tensor& parameter, int step)
{
    return random_tensor(parameter.sizes(), 1000 + static_cast<unsigned>(step));
}

/// One parameter's number and what its optimizer remembers of it.
struct Number {
    double value = 0, first = 0, second = 0;
    int steps = 0;
};

void sgd(Number& number, double gradient, const Train& train, double rate)
{
    gradient += train.weight_decay * number.value;
    number.first = number.steps == 0 ? gradient : train.momentum * number.first + gradient;
    if (train.momentum != 0)
        gradient = train.nesterov ? gradient + train.momentum * number.first : number.first;
    number.value -= rate * gradient;
}

void adam(Number& number, double gradient, const Train& train, double rate)
{
    const int step = number.steps + 1;
    if (train.optimizer == "adamw")
        number.value -= rate * train.weight_decay * number.value;
    else
        gradient += train.weight_decay * number.value;
    number.first = 0.9 * number.first + 0.1 * gradient;
    number.second = 0.999 * number.second + 0.001 * gradient * gradient;
    const double mean = number.first / (1 - std::pow(0.9, step)), square = number.second / (1 - std::pow(0.999, step));
    number.value -= rate * mean / (std::sqrt(square) + 1e-8);
}

void rmsprop(Number& number, double gradient, const Train& train, double rate)
{
    gradient += train.weight_decay * number.value;
    number.second = 0.99 * number.second + 0.01 * gradient * gradient;
    number.first = train.momentum * number.first + gradient / (std::sqrt(number.second) + 1e-8);
    number.value -= rate * number.first;
}

using Rule = void (*)(Number&, double, const Train&, double);

Rule rule_of(const std::string& optimizer)
{
    return optimizer == "sgd" ? sgd : optimizer == "rmsprop" ? rmsprop : adam;
}

std::vector<Number> numbers_of(const at::Tensor& tensor)
{
    std::vector<Number> numbers;
    const at::Tensor flat = tensor.detach().contiguous();
    for (std::int64_t i = 0; i < flat.numel(); ++i)
        numbers.push_back({.value = flat.const_data_ptr<float>()[i]});
    return numbers;
}

} // namespace

class TestOptimizer : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void updatesFollowTheirRule_data()
    {
        QTest::addColumn<QString>("optimizer");
        QTest::addColumn<double>("momentum");
        QTest::addColumn<bool>("nesterov");
        QTest::addColumn<double>("weight_decay");
        QTest::newRow("sgd, Nesterov") << "sgd" << 0.9 << true << 0.0;
        QTest::newRow("sgd, momentum and weight decay") << "sgd" << 0.9 << false << 0.01;
        QTest::newRow("sgd, plain") << "sgd" << 0.0 << true << 0.01;
        QTest::newRow("adam") << "adam" << 0.9 << true << 0.01;
        QTest::newRow("adamw") << "adamw" << 0.9 << true << 0.01;
        QTest::newRow("rmsprop") << "rmsprop" << 0.0 << false << 0.01;
        QTest::newRow("rmsprop, momentum") << "rmsprop" << 0.9 << false << 0.0;
    }

    void updatesFollowTheirRule()
    {
        QFETCH(QString, optimizer);
        QFETCH(double, momentum);
        QFETCH(bool, nesterov);
        QFETCH(double, weight_decay);
        const Train train = with_optimizer(optimizer.toStdString(), momentum, nesterov, weight_decay);
        const std::unique_ptr<Chain> block = some_parameters();
        const std::unique_ptr<Optimizer> updater = make_optimizer(train, *block);
        const std::vector<std::size_t> all = block->active_parameters({});
        std::vector<std::vector<Number>> expected;
        for (const NamedTensor& named : block->parameters())
            expected.push_back(numbers_of(named.tensor));

        for (int step = 0; step < 4; ++step) {
            const double rate = 0.1 / (step + 1);
            // The first parameter takes part in every other step only.
            const std::vector<std::size_t> active(all.begin() + step % 2, all.end());
            for (std::size_t index : active) {
                at::Tensor parameter = block->parameters()[index].tensor;
                const at::Tensor gradient = gradient_of(parameter, step);
                for (std::size_t i = 0; i < expected[index].size(); ++i) {
                    Number& number = expected[index][i];
                    rule_of(train.optimizer)(number, gradient.const_data_ptr<float>()[i], train, rate);
                    ++number.steps;
                }
                (parameter * gradient).sum().backward(); // leaves the gradient as a block's backward pass does
            }
            updater->update(active, rate);
            for (std::size_t index : all) {
                const std::vector<Number> numbers = numbers_of(block->parameters()[index].tensor);
                QVERIFY(!block->parameters()[index].tensor.grad().defined());
                for (std::size_t i = 0; i < numbers.size(); ++i)
                    QVERIFY2(std::abs(numbers[i].value - expected[index][i].value) < 2e-6,
                        qPrintable(QString("step %1, %2, number %3: %4 instead of %5")
                                       .arg(step)
                                       .arg(block->parameters()[index].name.c_str())
                                       .arg(i)
                                       .arg(numbers[i].value)
                                       .arg(expected[index][i].value)));
            }
        }
    }

    void whatDoesNotTakePartStaysAsItIs_data()
    {
        QTest::addColumn<QString>("optimizer");
        for (const char* optimizer : {"sgd", "adam", "adamw", "rmsprop"})
            QTest::newRow(optimizer) << optimizer;
    }

    void whatDoesNotTakePartStaysAsItIs()
    {
        QFETCH(QString, optimizer);
        const std::unique_ptr<Chain> block = some_parameters();
        const std::unique_ptr<Optimizer> updater = make_optimizer(with_optimizer(optimizer.toStdString(), 0.9, true, 0.1), *block);
        for (const NamedTensor& named : block->parameters())
            named.tensor.square().sum().backward();
        const std::vector<at::Tensor> parameters = copies_of(block->parameters());

        updater->update({1}, 0.1);

        for (std::size_t i = 0; i < parameters.size(); ++i)
            QCOMPARE(same_bits(block->parameters()[i].tensor, parameters[i]), i != 1);
        for (const NamedTensor& state : updater->state()) {
            const bool of_first = state.name.find("norm.weight") != std::string::npos;
            QVERIFY2((state.tensor.abs().sum().item<double>() > 0) == of_first, state.name.c_str());
        }
    }

    void stateIsNamedAfterItsParameters_data()
    {
        QTest::addColumn<QString>("optimizer");
        QTest::addColumn<double>("momentum");
        QTest::addColumn<QStringList>("kinds");
        QTest::newRow("sgd") << "sgd" << 0.9 << QStringList{"momentum"};
        QTest::newRow("sgd without momentum") << "sgd" << 0.0 << QStringList{};
        QTest::newRow("adam") << "adam" << 0.9 << QStringList{"step", "exp_avg", "exp_avg_sq"};
        QTest::newRow("rmsprop") << "rmsprop" << 0.9 << QStringList{"square_avg", "momentum"};
        QTest::newRow("rmsprop without momentum") << "rmsprop" << 0.0 << QStringList{"square_avg"};
    }

    void stateIsNamedAfterItsParameters()
    {
        QFETCH(QString, optimizer);
        QFETCH(double, momentum);
        QFETCH(QStringList, kinds);
        const std::unique_ptr<Chain> block = some_parameters();
        std::set<std::string> expected, names;
        for (const QString& kind : kinds)
            for (const NamedTensor& named : block->parameters())
                expected.insert(kind.toStdString() + "." + named.name);
        for (const NamedTensor& state : make_optimizer(with_optimizer(optimizer.toStdString(), momentum), *block)->state())
            names.insert(state.name);
        QCOMPARE(names, expected);
    }

    void aRestoredStateGoesOnWithTheSameBits()
    {
        for (const std::string optimizer : {"sgd", "adam", "rmsprop"}) {
            const Train train = with_optimizer(optimizer);
            const std::unique_ptr<Chain> block = some_parameters(), copy = some_parameters();
            const std::unique_ptr<Optimizer> first = make_optimizer(train, *block), second = make_optimizer(train, *copy);
            const auto step = [](Chain& chain, Optimizer& updater) {
                for (const NamedTensor& named : chain.parameters())
                    (named.tensor - 0.3).square().sum().backward();
                updater.update(chain.active_parameters({}), 0.05);
            };
            step(*block, *first);
            step(*block, *first);
            for (std::size_t i = 0; i < block->parameters().size(); ++i)
                copy->parameters()[i].tensor.detach().copy_(block->parameters()[i].tensor.detach());
            for (std::size_t i = 0; i < first->state().size(); ++i)
                second->state()[i].tensor.copy_(first->state()[i].tensor);
            step(*block, *first);
            step(*copy, *second);
            for (std::size_t i = 0; i < block->parameters().size(); ++i)
                QVERIFY(same_bits(copy->parameters()[i].tensor, block->parameters()[i].tensor));
        }
    }

    void theLearningRateFollowsItsSchedule()
    {
        const auto rates = [](const std::string& schedule) {
            std::vector<double> values;
            for (std::int64_t step : {0, 25, 50, 74, 75, 99})
                values.push_back(std::round(learning_rate(with_schedule(schedule, 2), step, 100) * 1e6) / 1e6);
            return values;
        };
        QCOMPARE(rates("constant"), (std::vector<double>{2, 2, 2, 2, 2, 2}));
        QCOMPARE(rates("step"), (std::vector<double>{2, 2, 0.2, 0.2, 0.02, 0.02}));
        QCOMPARE(rates("cosine"), (std::vector<double>{2, 1.707107, 1, 0.315453, 0.292893, 0.000493}));
    }

    void whatIsNotKnownIsRefused()
    {
        const std::unique_ptr<Chain> block = some_parameters();
        VERIFY_SAYS(error_of([&] { make_optimizer(with_optimizer("lion"), *block); }), "choose one of: sgd, adam, adamw, rmsprop");
        VERIFY_SAYS(error_of([] { learning_rate(with_schedule("warm", 1), 0, 1); }), "choose one of: constant, cosine, step");
    }
};

QTEST_GUILESS_MAIN(TestOptimizer)
#include "test_optimizer.moc"
