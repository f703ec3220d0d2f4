// What needs GPUs: the same promises as on CPU ranks, over NCCL where each rank has a GPU of its own, over slots where ranks share
// one. Skipped, and said so, where there are not enough.

#include "real_run.h"

#include "base/checksum.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcessEnvironment>
#include <QSet>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <cstdlib>
#include <optional>

using namespace pipebd;

namespace {

int gpus_here()
{
    int count = 0;
    while (QFile::exists("/dev/nvidia" + QString::number(count)))
        ++count;
    return count;
}

/// Why this cannot be tested here; empty if it can.
QString lackingFor(const QString& devices)
{
    const QStringList names = devices.split(',');
    const auto needed = static_cast<int>(QSet<QString>(names.begin(), names.end()).size());
    const int here = gpus_here();
    return here >= needed ? QString() : QString("needs %1 GPU(s), and there are %2 here").arg(needed).arg(here);
}

/// What the driver says is in use, MiB, over all GPUs; nothing without nvidia-smi.
std::optional<int> used_mebibytes()
{
    QProcess process;
    process.start("nvidia-smi", {"--query-gpu=memory.used", "--format=csv,noheader,nounits"});
    if (!process.waitForStarted() || !process.waitForFinished(20'000) || process.exitCode() != 0)
        return std::nullopt;
    int sum = 0;
    for (const QByteArray& line : process.readAllStandardOutput().split('\n'))
        sum += line.trimmed().toInt();
    return sum;
}

} // namespace

class TestGpu : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    QString lab() const { return folder_.filePath("lab"); }
    QString out(const QString& name) const { return folder_.filePath(name); }
    QString weights(const QString& name) const { return out(name) + "/supernet.safetensors"; }

    QJsonObject newest() const
    {
        return QJsonDocument::fromJson(run(lab(), {"runs", "list", "--json"}).output.toUtf8()).array().at(0).toObject();
    }

    /// Starts a run that does not end by itself, and returns once it trains.
    void startEndless(QProcess& process, const QString& strategy, const QString& devices, const QStringList& more = {})
    {
        const int before = newest()["id"].toInt();
        start(process, lab(),
            QStringList{"run", experiment_file, "--strategy", strategy, "--devices", devices, "--set", "data.batch=8", "--set",
                "train.steps=500000"}
                + more);
        QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > before && newest()["throughput"].toDouble() > 0, 120'000);
    }

    static void addJobs()
    {
        QTest::addColumn<QString>("devices");
        QTest::newRow("CUDA IPC") << "cuda:0,cuda:0";
        QTest::newRow("NCCL") << "cuda:0,cuda:1";
        QTest::newRow("CUDA IPC between GPUs") << "cuda:0,cuda:0,cuda:1";
    }

private slots:
    void oneGpuTrains()
    {
        if (const QString reason = lackingFor("cuda:0"); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        const Ended ended = run(lab(), QStringList{"run", experiment_file, "--strategy", "single", "--devices", "cuda:0"} + small);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
    }

    void relayedTrainingGivesTheBitsOfOneGpu_data() { addJobs(); }
    void relayedTrainingGivesTheBitsOfOneGpu()
    {
        QFETCH(QString, devices);
        if (const QString reason = lackingFor(devices); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        for (const QString& strategy : {QStringLiteral("single"), QStringLiteral("tr"), QStringLiteral("tr+dpu")}) {
            const Ended ended = run(lab(),
                QStringList{"run", experiment_file, "--strategy", strategy, "--devices", strategy == "single" ? "cuda:0" : devices,
                    "--out", out(strategy)}
                    + small);
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
            QCOMPARE(sha256_of_file(weights(strategy).toStdString()), sha256_of_file(weights("single").toStdString()));
        }
    }

    void everyStrategyTrainsTheWeightsOfOneGpu_data() { addJobs(); }
    void everyStrategyTrainsTheWeightsOfOneGpu() // T3
    {
        QFETCH(QString, devices);
        if (const QString reason = lackingFor(devices); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        const Ended ended
            = run(lab(), {"--json", "verify", experiment_file, "--devices", devices, "--steps", "2", "--set", "data.batch=8"});
        qInfo("%s", qPrintable(ended.output));
        QVERIFY2(ended.status == 0, qPrintable(ended.errors + ended.output));
    }

    void aRankThatIsKilledFailsTheRunAndGivesItsMemoryBack_data() { addJobs(); }
    void aRankThatIsKilledFailsTheRunAndGivesItsMemoryBack() // P2
    {
        QFETCH(QString, devices);
        if (const QString reason = lackingFor(devices); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        const std::optional<int> before = used_mebibytes();
        if (!before)
            QSKIP("needs nvidia-smi, which tells how much memory is in use");
        for (const QString& strategy : {QStringLiteral("tr+dpu"), QStringLiteral("ir")}) {
            QProcess process;
            startEndless(process, strategy, devices);
            if (QTest::currentTestFailed())
                return;
            const std::vector<int> ranks = engines_of(lab());
            QCOMPARE(ranks.size(), static_cast<std::size_t>(devices.split(',').size()));
            QVERIFY(used_mebibytes() > *before);

            kill(ranks.back(), SIGKILL);

            QVERIFY(process.waitForFinished(5000));
            QCOMPARE(process.exitCode(), 1);
            QVERIFY(engines_of(lab()).empty());
            QCOMPARE(newest()["state"].toString(), QStringLiteral("failed"));
            const Ended told = run(lab(), {"runs", "show", QString::number(newest()["id"].toInt())});
            QVERIFY2(told.output.contains("SIGKILL"), qPrintable(told.output));
            QTRY_VERIFY_WITH_TIMEOUT(std::abs(used_mebibytes().value_or(1 << 30) - *before) <= 64, 10'000);
        }
    }

    void aRunThatIsKilledAndGoneOnWithGivesTheSameBits_data() { addJobs(); }
    void aRunThatIsKilledAndGoneOnWithGivesTheSameBits() // T1
    {
        QFETCH(QString, devices);
        if (const QString reason = lackingFor(devices); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        const QStringList arguments{"run", experiment_file, "--strategy", "tr+dpu", "--devices", devices, "--set", "data.batch=8",
            "--set", "train.steps=40", "--set", "run.checkpoint_steps=5"};
        Ended ended = run(lab(), arguments + QStringList{"--out", out("unbroken")});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));

        for (const char* round : {"round-000000005", "round-000000020"}) {
            const int before = newest()["id"].toInt();
            QProcess process;
            start(process, lab(), arguments);
            QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > before, 120'000);
            const QDir checkpoints(newest()["folder"].toString() + "/checkpoints");
            QTRY_VERIFY_WITH_TIMEOUT(process.state() == QProcess::NotRunning || checkpoints.exists(round), 120'000);
            process.kill();
            QVERIFY(process.waitForFinished(5000));

            ended = run(lab(), {"run", "--resume", QString::number(newest()["id"].toInt()), "--out", out("resumed")});
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
            QCOMPARE(sha256_of_file(weights("resumed").toStdString()), sha256_of_file(weights("unbroken").toStdString()));
        }
    }

    void aGpuWithoutMemoryIsToldWithWhatWasPlannedAndWhatIsFree() // T5
    {
        if (const QString reason = lackingFor("cuda:0"); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        // Planned for a large batch from the figures of a small one, and given little of the GPU.
        const QString profile = large_profile_in(folder_.path());
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("PYTORCH_CUDA_ALLOC_CONF", "per_process_memory_fraction:0.005");
        process.setProcessEnvironment(environment);
        const int before = newest()["id"].toInt();
        start(process, lab(),
            {"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cuda:0,cuda:0", "--set", "data.batch=4096", "--set",
                "train.steps=50", "--profile", profile, "--quiet"});
        QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > before && !engines_of(lab()).empty(), 120'000);
        QTRY_VERIFY_WITH_TIMEOUT(process.state() == QProcess::NotRunning || engines_of(lab()).size() < 2, 120'000);
        QVERIFY(process.state() == QProcess::NotRunning || process.waitForFinished(5000)); // since the first rank ended

        const QString error = QString::fromUtf8(process.readAllStandardError());
        QCOMPARE(process.exitCode(), 1);
        QVERIFY2(error.startsWith("pipebd: error: the device is out of memory (in use "), qPrintable(error));
        QVERIFY2(error.contains(", planned ") && error.contains(", free ") && error.contains(" on rank "), qPrintable(error));
        QVERIFY(engines_of(lab()).empty());
    }

    void strategiesAreMeasuredOnGpus_data() { addJobs(); }
    void strategiesAreMeasuredOnGpus()
    {
        QFETCH(QString, devices);
        if (const QString reason = lackingFor(devices); !reason.isEmpty())
            QSKIP(qPrintable(reason));
        const Ended ended = run(lab(),
            {"--json", "bench", experiment_file, "--devices", devices, "--set", "data.batch=8", "--steps", "4", "--rounds", "2"});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        const QJsonObject json = QJsonDocument::fromJson(ended.output.toUtf8()).object();
        QVERIFY(json["limit_step"].toDouble() > 0);
        for (const QJsonValue& strategy : json["strategies"].toArray())
            QVERIFY2(strategy["throughput"].toDouble() > 0, qPrintable(strategy["strategy"].toString()));
        QVERIFY(!json["strategies"].toArray().isEmpty());
    }
};

QTEST_GUILESS_MAIN(TestGpu)
#include "test_gpu.moc"
