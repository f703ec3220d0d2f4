// Runs of the real engine, started as a user would: what is trained is the same whatever the strategy, nothing listens beyond this
// computer, and a rank that is killed takes its run and its fellows with it.

#include "real_run.h"

#include "base/checksum.h"
#include "schedule/comparison.h"
#include "store/run_timelines.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace pipebd;

namespace {

/// Inodes of the sockets that `pid` has open.
std::set<std::string> sockets_of(int pid)
{
    std::set<std::string> inodes;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", failure)) {
        std::string target = std::filesystem::read_symlink(entry.path(), failure).string();
        if (target.starts_with("socket:["))
            inodes.insert(target.substr(8, target.size() - 9));
    }
    return inodes;
}

/// The local addresses, as /proc/net writes them, on which one of `inodes` listens.
std::vector<std::string> listening(const std::set<std::string>& inodes)
{
    std::vector<std::string> addresses;
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
            words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
            if (state == "0A" && inodes.contains(inode))
                addresses.push_back(local.substr(0, local.find(':')));
        }
    }
    return addresses;
}

QJsonObject shown(const QString& lab, const QString& id)
{
    Ended ended = run(lab, {"--json", "runs", "show", id});
    return QJsonDocument::fromJson(ended.output.toUtf8()).object();
}

} // namespace

class TestRealRuns : public QObject {
    Q_OBJECT

private slots:
    void initTestCase()
    {
        // `single` leaves the second device free.
        Ended ended = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "single", "--devices", "cpu,cpu", "--out", out("single")} + small
                + with_profile);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
    }

    void relayedTrainingOnTwoDevicesGivesTheBitsOfOne()
    {
        Ended ended = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--out", out("tr")} + small
                + with_profile);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        QCOMPARE(sha256_of_file(weights("tr").toStdString()), sha256_of_file(weights("single").toStdString()));
        verifyMeasured(6);
    }

    void stagesPlacedByHandTrainTheBitsOfTheSearchsWithADeviceLeftOver()
    {
        const QString stages = "0-2 on 2 | 3-5 on 0"; // cpu 1 has nothing to do
        Ended ended = run(lab(),
            QStringList{"run", experiment_file, "--stages", stages, "--devices", "cpu,cpu,cpu", "--out", out("hand"), "--json"}
                + small + with_profile);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        QCOMPARE(QJsonDocument::fromJson(ended.output.toUtf8()).object()["strategy"].toString(), QString("tr+dpu+ahd"));
        QCOMPARE(sha256_of_file(weights("hand").toStdString()), sha256_of_file(weights("single").toStdString()));
    }

    void everyInstructionOfADataParallelRunIsMeasured()
    {
        Ended ended = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "ir", "--devices", "cpu,cpu", "--set", "data.batch=8", "--set",
                "train.steps=2"}
                + with_profile);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        verifyMeasured(2);
    }

    void aRankThatIsKilledFailsTheRunAndLeavesNobodyBehind() // P1
    {
        QProcess process;
        int runs_before = newest()["id"].toInt();
        start(process, lab(), endless);
        QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > runs_before && newest()["throughput"].toDouble() > 0, 60'000);
        std::vector<int> ranks = engines_of(lab());
        QCOMPARE(ranks.size(), std::size_t{2});

        // P13, on the same run: the rendezvous and the connections between ranks listen on the loopback interface alone.
        std::vector<std::string> addresses;
        for (int rank : ranks) {
            for (const std::string& address : listening(sockets_of(rank)))
                addresses.push_back(address);
        }
        QVERIFY(!addresses.empty());
        for (const std::string& address : addresses) {
            bool loopback = address == "0100007F" || address == "00000000000000000000000001000000"
                || address == "0000000000000000FFFF00000100007F";
            QVERIFY2(loopback, address.c_str());
        }

        kill(ranks.back(), SIGKILL);

        QVERIFY(process.waitForFinished(2000 + 1500)); // failed within 2 s; then the run is sealed
        QCOMPARE(process.exitCode(), 1);
        QVERIFY(engines_of(lab()).empty());
        QCOMPARE(newest()["state"].toString(), QStringLiteral("failed"));
        Ended told = run(lab(), {"runs", "show", QString::number(newest()["id"].toInt())});
        QVERIFY2(told.output.contains("SIGKILL"), qPrintable(told.output));
    }

    void aSupervisorThatIsKilledTakesItsRanksWithItAndItsRunIsLost() // P4
    {
        QProcess process;
        int runs_before = newest()["id"].toInt();
        start(process, lab(), endless);
        QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > runs_before && newest()["throughput"].toDouble() > 0, 60'000);
        QCOMPARE(newest()["state"].toString(), QStringLiteral("running"));

        process.kill();

        QTRY_VERIFY_WITH_TIMEOUT(engines_of(lab()).empty(), 1000);
        QTRY_COMPARE(process.state(), QProcess::NotRunning);
        QCOMPARE(newest()["state"].toString(), QStringLiteral("lost"));
    }

    void aRunThatIsCancelledWhileItSavesKeepsAValidCheckpoint() // P10
    {
        QProcess process;
        int runs_before = newest()["id"].toInt();
        // A checkpoint after every step: most of the time goes into saving.
        start(process, lab(), endless + QStringList{"--set", "run.checkpoint_steps=1"});
        QTRY_VERIFY_WITH_TIMEOUT(newest()["id"].toInt() > runs_before, 60'000);
        QDir checkpoints(newest()["folder"].toString() + "/checkpoints");
        QTRY_VERIFY_WITH_TIMEOUT(!checkpoints.entryList({"round-*"}).isEmpty(), 60'000);

        kill(static_cast<pid_t>(process.processId()), SIGINT);

        QVERIFY(process.waitForFinished(3000));
        QCOMPARE(process.exitCode(), 1);
        QCOMPARE(newest()["state"].toString(), QStringLiteral("cancelled"));
        checkpoints.refresh();
        QStringList complete = checkpoints.entryList({"round-*"});
        QVERIFY(!complete.isEmpty());
        for (const QString& checkpoint : complete)
            verify(checkpoints.filePath(checkpoint));
    }

    void theLossOfEachBlockIsKept()
    {
        QJsonObject record = shown(lab(), "1");
        QCOMPARE(record["state"].toString(), QStringLiteral("finished"));
        QCOMPARE(record["devices"].toArray().size(), 1);
        QCOMPARE(record["final_loss"].toArray().size(), 6);
    }

    void aPairIsShownWithThePublishedBoundaries()
    {
        const Ended shown = run(lab(), {"--json", "pairs", "show", "nas-imagenet"});
        QVERIFY2(shown.status == 0, qPrintable(shown.errors));
        const QJsonArray blocks = QJsonDocument::fromJson(shown.output.toUtf8())["blocks"].toArray();
        const QList<QJsonArray> boundaries{{24, 56, 56}, {32, 28, 28}, {64, 14, 14}, {96, 14, 14}, {160, 7, 7}, {1000}};
        QCOMPARE(blocks.size(), boundaries.size());
        for (qsizetype i = 0; i < blocks.size(); ++i)
            for (const char* network : {"teacher", "student"})
                QCOMPARE(blocks[i][network]["output"].toArray(), boundaries[i]);
    }

    void whatWasNamedButIsNotThereOrIsDamagedIsToldInOneLineBeforeAnythingRuns_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("part");

        std::ofstream(file("cut.safetensors").toStdString()) << "{\"a\":";
        std::ofstream(file("bad.toml").toStdString()) << "pair = \"nas-digits\"\n[train]\nlearning_rat = 0.1\n";
        std::ofstream(file("cut.toml").toStdString()) << "pair = \"nas-digits\"\n[teacher]\nweights = \"cut.safetensors\"\n";
        std::ofstream(file("pair.toml").toStdString()) << "pair = \"nas-digit\"\n";
        std::ofstream(file("widths.toml").toStdString())
            << "pair = \"resnet50-resnet18\"\n[data]\nsource = \"synthetic\"\nbatch = 2\n";
        QTest::newRow("outputs that differ") << QStringList{"run", file("widths.toml"), "--devices", "cpu"}
                                             << "block layer1; plan it end to end";
        QTest::newRow("no such pair to show") << QStringList{"pairs", "show", "nas-imagene"} << "built in: nas-digits";
        QTest::newRow("no experiment") << QStringList{"run", "nowhere.toml"} << "nowhere.toml";
        QTest::newRow("misspelt key") << QStringList{"run", file("bad.toml")} << "bad.toml:3";
        QTest::newRow("weights cut off") << QStringList{"run", file("cut.toml"), "--devices", "cpu"} << "cut.safetensors";
        QTest::newRow("no such pair") << QStringList{"run", file("pair.toml"), "--devices", "cpu"} << "nas-digits";
        QTest::newRow("no such data") << QStringList{"run", experiment_file, "--set", "data.source=cifar"} << "digits";
        QTest::newRow("no such GPU") << QStringList{"run", experiment_file, "--devices", "cuda:63"} << "cuda:63";
    }

    void whatWasNamedButIsNotThereOrIsDamagedIsToldInOneLineBeforeAnythingRuns() // I1
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, part);
        Ended ended = run(lab(), arguments);
        QCOMPARE(ended.status, 2);
        QCOMPARE(ended.errors.count('\n'), 1);
        QVERIFY2(ended.errors.startsWith("pipebd: error: "), qPrintable(ended.errors));
        QVERIFY2(ended.errors.contains(part), qPrintable(ended.errors));
    }

private:
    QJsonObject newest() const
    {
        Ended listed = run(lab(), {"--json", "runs", "list"});
        return QJsonDocument::fromJson(listed.output.toUtf8()).array().first().toObject();
    }

    /// Each instruction of the newest run was measured in each of its steps, and can be compared with its prediction.
    void verifyMeasured(int steps) const
    {
        const std::filesystem::path folder = newest()["folder"].toString().toStdString();
        const store::RunStore store(folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        const store::RunTimelines timelines = timelines_of(store);
        std::set<std::vector<std::int64_t>> expected;
        for (int phase = 0; const schedule::Phase& of_phase : timelines.program.phases) {
            for (int rank = 0; const schedule::DeviceProgram& device : of_phase.devices) {
                for (int index = 0; index < static_cast<int>(device.instructions.size()); ++index)
                    for (int step = 0; step < steps; ++step)
                        expected.insert({rank, phase, step, index});
                ++rank;
            }
            ++phase;
        }
        std::set<std::vector<std::int64_t>> reported;
        for (const store::MeasuredSpan& span : store.spans()) {
            reported.insert({span.rank, span.phase, span.step, span.index});
            QVERIFY(span.start > 0 && span.end >= span.start);
        }
        QVERIFY(reported == expected);
        QCOMPARE(timelines.measured.spans.size(), expected.size());
        for (const schedule::KindTime& kind : compare(timelines.program, timelines.predicted.timeline, timelines.measured))
            QVERIFY2(kind.error().has_value(), std::string(kind.kind).c_str());
    }

    /// Every file of a checkpoint is as its manifest says.
    static void verify(const QString& folder)
    {
        QFile manifest(folder + "/manifest.json");
        QVERIFY(manifest.open(QIODevice::ReadOnly));
        QJsonArray blocks = QJsonDocument::fromJson(manifest.readAll()).object()["blocks"].toArray();
        QCOMPARE(blocks.size(), 6);
        for (const QJsonValue& block : blocks) {
            QString path = folder + "/" + block["file"].toString();
            QCOMPARE(QString::fromStdString(sha256_of_file(path.toStdString())), block["sha256"].toString());
        }
    }

    const QStringList endless = QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--set",
                                    "data.batch=8", "--set", "train.steps=5000"}
        + with_profile;

    QString lab() const { return lab_.filePath("lab"); }
    QString file(const QString& name) const { return lab_.filePath(name); }
    QString out(const QString& name) const { return lab_.filePath(name); }
    QString weights(const QString& name) const { return out(name) + "/student.safetensors"; }

    QTemporaryDir lab_;
};

QTEST_GUILESS_MAIN(TestRealRuns)
#include "test_real_runs.moc"
