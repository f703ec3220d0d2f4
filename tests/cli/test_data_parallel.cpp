// Data-parallel and relayed against single-device training, with the real engine.

#include "real_run.h"

#include "base/checksum.h"
#include "base/safetensors.h"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <cstring>

using namespace pipebd;

namespace {

double largest_difference(const QString& a, const QString& b)
{
    SafetensorsFile first(a.toStdString());
    SafetensorsFile second(b.toStdString());
    double largest = first.tensors().size() == second.tensors().size() ? 0 : INFINITY;
    for (const TensorView& tensor : first.tensors()) {
        const TensorView* other = second.find(tensor.name);
        if (other == nullptr || other->shape != tensor.shape)
            return INFINITY;
        if (tensor.dtype != DType::F32)
            continue;
        for (std::size_t i = 0; i < tensor.data.size(); i += 4) {
            float x = 0, y = 0;
            std::memcpy(&x, tensor.data.data() + i, 4);
            std::memcpy(&y, other->data.data() + i, 4);
            largest = std::max(largest, std::abs(static_cast<double>(x) - static_cast<double>(y)));
        }
    }
    return largest;
}

} // namespace

class TestDataParallel : public QObject {
    Q_OBJECT

private slots:
    void relayingGivesTheBitsOfOneDeviceAndDataParallelTheSameUpToTheOrderOfSummation()
    {
        // A small rate: what differs by rounding must not be driven apart by ReLU6 and batch norm before it is compared.
        const QStringList gentle{"--set", "data.batch=8", "--set", "train.steps=2", "--set", "train.learning_rate=0.01"};
        auto train = [&](const QString& strategy, const QString& devices, const QString& name, const QStringList& more = {}) {
            Ended ended = run(lab(),
                QStringList{"run", experiment_file, "--strategy", strategy, "--devices", devices, "--out", out(name)} + gentle
                    + more);
            if (ended.status != 0)
                qWarning("%s", qPrintable(ended.errors));
            return ended.status == 0;
        };
        QVERIFY(train("single", "cpu", "one"));
        QVERIFY(train("tr+dpu", "cpu,cpu", "relayed"));
        QCOMPARE(sha256_of_file(weights("relayed").toStdString()), sha256_of_file(weights("one").toStdString()));
        QVERIFY(train("dp", "cpu,cpu", "dp"));
        QVERIFY(train("dp", "cpu,cpu", "local", {"--set", "run.batch_norm=local"}));
        double difference = largest_difference(weights("dp"), weights("one"));
        double unsynchronised = largest_difference(weights("local"), weights("one"));
        qInfo("largest difference %g; with local batch norm %g", difference, unsynchronised);
        QVERIFY(difference > 0); // two different computations were compared
        QVERIFY(difference < 1e-3);
        QVERIFY(unsynchronised > 10 * difference);
    }

private:
    QString lab() const { return lab_.filePath("lab"); }
    QString out(const QString& name) const { return lab_.filePath(name); }
    QString weights(const QString& name) const { return out(name) + "/supernet.safetensors"; }

    QTemporaryDir lab_;
};

QTEST_GUILESS_MAIN(TestDataParallel)
#include "test_data_parallel.moc"
