// Losses, against their formulas written out.
#include "engine/training/loss.h"
#include "engine_testing.h"

#include <ATen/ops/tensor.h>

#include <cmath>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr int rows = 3;
constexpr int classes = 4;

double value(const at::Tensor& tensor, int row, int column)
{
    return tensor[row][column].item<double>();
}

double log_probability(const at::Tensor& logits, int row, int column)
{
    double sum = 0;
    for (int i = 0; i < classes; ++i)
        sum += std::exp(value(logits, row, i));
    return value(logits, row, column) - std::log(sum);
}

} // namespace

class TestLoss : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void meanSquaredErrorIsOverAllElements()
    {
        const at::Tensor output = random_map({2, 3, 4, 5}, 1), target = random_map({2, 3, 4, 5}, 2);
        double sum = 0;
        for (std::int64_t row = 0; row < 2; ++row)
            sum += (output[row] - target[row]).square().sum().item<double>();
        QVERIFY(std::abs(distillation_loss("mse", output, target).item<double>() - sum / 120) < 1e-6);
    }

    void softCrossEntropyIsAgainstTheTeachersProbabilities()
    {
        const at::Tensor output = random_tensor({rows, classes}, 1), target = random_tensor({rows, classes}, 2);
        double sum = 0;
        for (int row = 0; row < rows; ++row)
            for (int column = 0; column < classes; ++column)
                sum -= std::exp(log_probability(target, row, column)) * log_probability(output, row, column);
        QVERIFY(std::abs(distillation_loss("soft-cross-entropy", output, target).item<double>() - sum / rows) < 1e-6);
    }

    void crossEntropyIsTheMeanOverRows()
    {
        const at::Tensor logits = random_tensor({rows, classes}, 1);
        const double expected
            = -(log_probability(logits, 0, 3) + log_probability(logits, 1, 0) + log_probability(logits, 2, 1)) / rows;
        QVERIFY(std::abs(label_loss(logits, at::tensor({3, 0, 1}, at::kLong)).item<double>() - expected) < 1e-6);
    }

    void correctRowsAreCounted()
    {
        const at::Tensor logits = at::tensor({0.1, 0.9, -3.0, -1.0, 5.0, 4.0}).view({3, 2});
        QCOMPARE(count_correct(logits, at::tensor({1, 1, 0}, at::kLong)), 3);
        QCOMPARE(count_correct(logits, at::tensor({0, 1, 1}, at::kLong)), 1);
    }

    void anUnknownLossIsRefused()
    {
        const at::Tensor logits = random_tensor({rows, classes}, 1);
        VERIFY_SAYS(error_of([&] { distillation_loss("l1", logits, logits); }), "choose one of: mse, soft-cross-entropy");
    }
};

QTEST_GUILESS_MAIN(TestLoss)
#include "test_loss.moc"
