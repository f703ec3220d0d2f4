// What needs GPUs: the same promises as on CPU ranks, over NCCL. Skipped, and said so, where there are not enough.

#include "real_run.h"

#include "base/checksum.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace pipebd;

class TestGpu : public QObject {
    Q_OBJECT

private slots:
    void oneGpuTrains()
    {
        if (!QFile::exists("/dev/nvidia0"))
            QSKIP("needs a GPU: there is no /dev/nvidia0");
        Ended ended = run(lab(), QStringList{"run", experiment_file, "--strategy", "single", "--devices", "cuda:0"} + small);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
    }

    void relayedTrainingOnTwoGpusGivesTheBitsOfOne() // T3
    {
        if (!QFile::exists("/dev/nvidia1"))
            QSKIP("needs two GPUs: there is no /dev/nvidia1");
        for (const QString& devices : {QStringLiteral("cuda:0"), QStringLiteral("cuda:0,cuda:1")}) {
            QString strategy = devices.contains(',') ? "tr+dpu" : "single";
            Ended ended = run(lab(),
                QStringList{"run", experiment_file, "--strategy", strategy, "--devices", devices, "--out", out(strategy)} + small);
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        }
        QCOMPARE(sha256_of_file(weights("tr+dpu").toStdString()), sha256_of_file(weights("single").toStdString()));
    }

    void dataParallelTrainingRunsOnTwoGpus()
    {
        if (!QFile::exists("/dev/nvidia1"))
            QSKIP("needs two GPUs: there is no /dev/nvidia1");
        Ended ended = run(lab(), QStringList{"run", experiment_file, "--strategy", "dp", "--devices", "cuda:0,cuda:1"} + small);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
    }

private:
    QString lab() const { return lab_.filePath("lab"); }
    QString out(const QString& name) const { return lab_.filePath(name); }
    QString weights(const QString& name) const { return out(name) + "/student.safetensors"; }

    QTemporaryDir lab_;
};

QTEST_GUILESS_MAIN(TestGpu)
#include "test_gpu.moc"
