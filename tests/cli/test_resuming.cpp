// Runs of the real models that are killed and gone on with: the same student as without a break.
#include "real_run.h"

#include "base/random.h"
#include "base/safetensors.h"

#include <QDateTime>
#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <cstring>

using namespace pipebd;

namespace {

constexpr int steps = 12;

QJsonArray runsOf(const QString& lab)
{
    return QJsonDocument::fromJson(run(lab, {"runs", "list", "--json"}).output.toUtf8()).array();
}

QJsonObject newestOf(const QString& lab)
{
    return runsOf(lab).at(0).toObject();
}

QString folderOf(const QString& lab)
{
    return newestOf(lab)["folder"].toString();
}

QStringList training(const QString& strategy, const QString& devices)
{
    return QStringList{"run", experiment_file, "--strategy", strategy, "--devices", devices, "--set", "data.batch=8", "--set",
               "train.steps=" + QString::number(steps), "--set", "run.checkpoint_steps=1"}
    + with_profile;
}

SafetensorsFile studentIn(const QString& folder)
{
    return SafetensorsFile((folder + "/supernet.safetensors").toStdString());
}

/// The largest difference of an element, as a share of the largest element; infinite if names or shapes differ. F64 only.
double difference(const SafetensorsFile& a, const SafetensorsFile& b)
{
    double largest = 0;
    double scale = 0;
    for (const TensorView& left : a.tensors()) {
        const TensorView* right = b.find(left.name);
        if (right == nullptr || right->shape != left.shape || left.dtype != DType::F64 || right->dtype != DType::F64)
            return std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < left.data.size(); i += sizeof(double)) {
            double x = 0;
            double y = 0;
            std::memcpy(&x, left.data.data() + i, sizeof x);
            std::memcpy(&y, right->data.data() + i, sizeof y);
            largest = std::max(largest, std::abs(x - y));
            scale = std::max(scale, std::abs(x));
        }
    }
    return largest / scale;
}

bool sameBits(const SafetensorsFile& a, const SafetensorsFile& b)
{
    if (a.tensors().size() != b.tensors().size())
        return false;
    for (const TensorView& left : a.tensors()) {
        const TensorView* right = b.find(left.name);
        if (right == nullptr || left.data.size() != right->data.size()
            || std::memcmp(left.data.data(), right->data.data(), left.data.size()) != 0)
            return false;
    }
    return true;
}

} // namespace

class TestResuming : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QString m_unbroken; // the folder of a run under tr+dpu that nobody disturbed

    QString lab() const { return m_folder.filePath("lab"); }

    /// Kills the newest run, all of it at once, as soon as its checkpoint of `round` is there.
    void killAt(const QStringList& arguments, std::int64_t round)
    {
        const int before = static_cast<int>(runsOf(lab()).size());
        QProcess process;
        start(process, lab(), arguments);
        QTRY_VERIFY_WITH_TIMEOUT(static_cast<int>(runsOf(lab()).size()) > before, 60'000);
        const QDir checkpoints(folderOf(lab()) + "/checkpoints");
        const QString name = QStringLiteral("round-%1").arg(round, 9, 10, QLatin1Char('0'));
        QTRY_VERIFY_WITH_TIMEOUT(process.state() == QProcess::NotRunning || checkpoints.exists(name), 60'000);
        process.kill();
        QVERIFY(process.waitForFinished(5000));
    }

private slots:
    void initTestCase()
    {
        const Ended ended = run(lab(), training("tr+dpu", "cpu,cpu"));
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        m_unbroken = folderOf(lab());
    }

    void aRunThatIsKilledAtAnyStepAndGoneOnWithGivesTheSameBits() // T1
    {
        const auto seed = static_cast<std::uint64_t>(QDateTime::currentMSecsSinceEpoch());
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        for (std::uint64_t trial = 0; trial < 20; ++trial) {
            killAt(training("tr+dpu", "cpu,cpu"), static_cast<std::int64_t>(below(steps, draw({seed, trial}))));
            if (QTest::currentTestFailed())
                return;
            const Ended ended
                = run(lab(), QStringList{"run", "--resume", QString::number(newestOf(lab())["id"].toInt())} + with_profile);
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
            QVERIFY(sameBits(studentIn(folderOf(lab())), studentIn(m_unbroken)));
        }
    }

    void dataParallelTrainingOnTwoRanksGoesOnAsARelayOnThree()
    {
        const QStringList precise{"--set", "run.dtype=float64"};
        QCOMPARE(run(lab(), training("single", "cpu") + precise).status, 0);
        const QString single = folderOf(lab());

        killAt(training("dp", "cpu,cpu") + precise, 2 * steps + 5); // in the third of six blocks
        if (QTest::currentTestFailed())
            return;
        const QString id = QString::number(newestOf(lab())["id"].toInt());
        const Ended ended
            = run(lab(), QStringList{"run", "--resume", id, "--strategy", "tr+dpu", "--devices", "cpu,cpu,cpu"} + with_profile);

        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        const QJsonObject resumed = newestOf(lab());
        QCOMPARE(resumed["strategy"].toString(), QStringLiteral("tr+dpu"));
        QCOMPARE(resumed["devices"].toArray().size(), 3);
        const double largest = difference(studentIn(single), studentIn(folderOf(lab())));
        qInfo("largest difference %g of the largest weight", largest);
        QVERIFY(largest > 0); // sums over a split batch round otherwise
        QVERIFY(largest < 1e-9);
    }

    void aDamagedCheckpointIsRefusedAndTheOneBeforeOffered() // T7
    {
        QCOMPARE(run(lab(), training("single", "cpu")).status, 0);
        const QString id = QString::number(newestOf(lab())["id"].toInt());
        const QDir checkpoints(folderOf(lab()) + "/checkpoints");
        const QStringList names = checkpoints.entryList({"round-*"}, QDir::Dirs, QDir::Name | QDir::Reversed);
        QVERIFY(names.size() >= 2);
        QFile block(checkpoints.filePath(names[0] + "/block3.safetensors"));
        QVERIFY(block.open(QIODevice::ReadWrite));
        block.seek(block.size() / 2);
        const char byte = block.read(1)[0];
        block.seek(block.size() / 2);
        block.putChar(static_cast<char>(byte ^ 4));
        block.close();

        const Ended refused = run(lab(), {"run", "--resume", id});
        QCOMPARE(refused.status, 2);
        QCOMPARE(refused.errors.count('\n'), 1);
        QVERIFY2(refused.errors.contains("block3.safetensors") && refused.errors.contains("--checkpoint " + names[1]),
            qPrintable(refused.errors));

        const Ended resumed = run(lab(), QStringList{"run", "--resume", id, "--checkpoint", names[1]} + with_profile);
        QVERIFY2(resumed.status == 0, qPrintable(resumed.errors));
        QVERIFY(sameBits(studentIn(folderOf(lab())), studentIn(m_unbroken)));
    }

    void aRunThatIsFinishedIsSaidToBeBeforeAnythingIsMeasured()
    {
        const qsizetype before = runsOf(lab()).size();
        const QStringList resume{"run", "--resume", "1"};
        for (const QStringList& more :
            {QStringList(), QStringList{"--strategy", "single", "--devices", "cpu"}, QStringList{"--check"}}) {
            const Ended ended = run(lab(), resume + more);
            QCOMPARE(ended.status, 2);
            QVERIFY2(
                ended.errors.startsWith("pipebd: error: run 1 has finished all of its steps: --resume 1; to train it longer: "
                                        "pipebd run --resume 1 --set train.steps=24; to run it again with changes: pipebd run "),
                qPrintable(ended.errors));
            QCOMPARE(ended.errors.count('\n'), 1);
        }
        QCOMPARE(runsOf(lab()).size(), before);

        const Ended longer = run(lab(), resume + QStringList{"--set", "train.steps=14"} + with_profile);
        QVERIFY2(longer.status == 0, qPrintable(longer.errors));
        QVERIFY2(longer.errors.contains("resuming run 1 from step 12 of 12, none repeated"), qPrintable(longer.errors));
    }

    void whatIsNotTheSameTrainingIsRefused_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("says");
        QTest::newRow("batch") << QStringList{"--resume", "1", "--set", "data.batch=16"} << "data.batch";
        QTest::newRow("data") << QStringList{"--resume", "1", "--set", "data.source=synthetic"}
                              << "data.source differs from what run 1";
        QTest::newRow("held out") << QStringList{"--resume", "1", "--set", "data.held_out=0.1"}
                                  << "data.held_out differs from what run 1";
        QTest::newRow("seed") << QStringList{"--resume", "1", "--set", "seed=1"} << "seed differs from what run 1";
        QTest::newRow("experiment") << QStringList{experiment_file, "--resume", "1"} << "data.batch";
        QTest::newRow("fewer steps") << QStringList{"--resume", "1", "--set", "train.steps=3"} << "train.steps=12";
        QTest::newRow("no run") << QStringList{"--resume", "4711"} << "there is no run 4711";
        QTest::newRow("no number") << QStringList{"--resume", "x"} << "'x'";
        QTest::newRow("no checkpoint") << QStringList{"--resume", "1", "--checkpoint", "4711"} << "choose one of: best, round-";
        QTest::newRow("no run named") << QStringList{experiment_file, "--checkpoint", "best"} << "add --resume RUN";
    }

    void whatIsNotTheSameTrainingIsRefused()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, says);
        const Ended ended = run(lab(), QStringList{"run"} + arguments);
        QCOMPARE(ended.status, 2);
        QVERIFY2(ended.errors.count('\n') == 1 && ended.errors.contains(says), qPrintable(ended.errors));
    }
};

QTEST_GUILESS_MAIN(TestResuming)
#include "test_resuming.moc"
