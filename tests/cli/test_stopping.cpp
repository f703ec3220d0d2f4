// Runs that are told to stop: they keep what they have done, and say so; a second signal, or a step that is too long, ends them.
#include "command.h"
#include "real_run.h"

#include "base/checksum.h"
#include "base/random.h"
#include "store/lab.h"
#include "store/resumption.h"
#include "store/run_store.h"

#include <QDateTime>

#include <csignal>
#include <map>

using namespace pipebd;

namespace {

constexpr int steps = 40;

struct Strategy {
    QString name;
    QString devices;
    QStringList more = {};
};

// Two stages of which one is shared, so that the hybrid is one.
const QList<Strategy> strategies{{"single", "cpu"}, {"dp", "cpu,cpu"}, {"ls", "cpu,cpu"}, {"ls-steal", "cpu,cpu"},
    {"ir", "cpu,cpu"}, {"tr", "cpu,cpu"}, {"tr+dpu", "cpu,cpu"},
    {"tr+dpu+ahd", "cpu,cpu,cpu", {"--stages", "0-2 on 0,1 | 3-5 on 2"}}};

QStringList training(const Strategy& strategy)
{
    return QStringList{"run", experiment_file, "--strategy", strategy.name, "--devices", strategy.devices, "--set", "data.batch=8",
               "--set", "train.steps=" + QString::number(steps)}
    + strategy.more + with_profile;
}

store::RunRecord newest_in(const QString& lab)
{
    const std::vector<store::RunRecord> runs = store::Lab(lab.toStdString()).runs(); // newest first
    return runs.empty() ? store::RunRecord() : runs.front();
}

std::string bits_of(const store::RunRecord& run)
{
    return sha256_of_file(run.folder / "supernet.safetensors");
}

} // namespace

class TestStopping : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::map<QString, std::string> m_unbroken; // the bits of runs that nobody stopped, by strategy

    QString lab() const { return m_folder.filePath("lab"); }

    const std::string& unbroken(const Strategy& strategy)
    {
        std::string& bits = m_unbroken[strategy.name];
        if (bits.empty()) {
            const Ended ended = run(m_folder.filePath("unbroken"), training(strategy));
            if (ended.status != 0)
                qFatal("%s", qPrintable(ended.errors));
            bits = bits_of(newest_in(m_folder.filePath("unbroken")));
        }
        return bits;
    }

    /// Starts it, and signals once the newest run has come to `step` (over all phases).
    void begin(QProcess& process, const QStringList& arguments, std::int64_t step)
    {
        const store::Lab opened(lab().toStdString()); // reads ended runs once
        const auto newest = [&opened] {
            const std::vector<store::RunRecord> runs = opened.runs();
            return runs.empty() ? store::RunRecord() : runs.front();
        };
        const int before = newest().id;
        start(process, lab(), arguments);
        const auto has_come = [&] {
            const store::RunRecord record = newest();
            return process.state() == QProcess::NotRunning || (record.id > before && record.steps_done >= step);
        };
        QTRY_VERIFY_WITH_TIMEOUT(has_come(), 120'000);
        QCOMPARE(process.state(), QProcess::Running);
    }

    void stopAndResume(const Strategy& strategy, std::int64_t step)
    {
        QProcess process;
        begin(process, training(strategy), step);
        if (QTest::currentTestFailed())
            return;
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60'000));
        const QString said = QString::fromUtf8(process.readAllStandardError());
        const store::RunRecord stopped = newest_in(lab());
        if (stopped.state == store::RunState::Finished)
            return; // it had come to its end before
        QCOMPARE(process.exitCode(), 1);
        QVERIFY2(stopped.state == store::RunState::Cancelled && stopped.error.empty(), stopped.error.c_str());

        const std::optional<store::Resumption> kept = store::resumption_of(stopped);
        QVERIFY(kept);
        QCOMPARE(kept->from, stopped.steps_done); // all that it had done
        QCOMPARE(kept->repeated, std::int64_t(0));
        const std::int64_t announced = number_in(said, "stopping: writing a checkpoint at the end of step (\\d+);");
        QVERIFY2(announced > 0, qPrintable(said));
        if (!strategy.name.startsWith("ls")) // whose devices each stop at a step of their own
            QCOMPARE(announced, kept->from);
        QVERIFY2(said.endsWith(QStringLiteral("pipebd: to resume from step %1 of %2, none repeated: pipebd run %3 --resume %4\n")
                                   .arg(kept->from)
                                   .arg(stopped.steps)
                                   .arg(experiment_file)
                                   .arg(stopped.id)),
            qPrintable(said));

        const Ended ended = run(lab(), QStringList{"run", "--resume", QString::number(stopped.id)} + with_profile);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        QVERIFY2(ended.errors.contains(QStringLiteral("resuming run %1 from step %2 of %3, none repeated")
                                           .arg(stopped.id)
                                           .arg(kept->from)
                                           .arg(stopped.steps)),
            qPrintable(ended.errors));
        QCOMPARE(bits_of(newest_in(lab())), unbroken(strategy));
        qInfo("%s: stopped after step %lld of %lld", qPrintable(strategy.name), static_cast<long long>(kept->from),
            static_cast<long long>(stopped.steps));
    }

public:
    // The time limit is CTest's alone; Qt Test's is too short for many stops.
    static void initMain() { qputenv("QTEST_FUNCTION_TIMEOUT", "7200000"); }

private slots:
    // PIPEBD_STOPS sets how many, PIPEBD_SEED which.
    void aRunThatIsStoppedAtAnyStepKeepsThatStepAndEndsWithTheSameBits()
    {
        bool given = false;
        const int set = qEnvironmentVariableIntValue("PIPEBD_STOPS", &given);
        const int stops = given ? set : 3;
        const quint64 set_seed = qEnvironmentVariable("PIPEBD_SEED").toULongLong();
        const quint64 seed = set_seed > 0 ? set_seed : static_cast<quint64>(QDateTime::currentMSecsSinceEpoch());
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        for (std::uint64_t trial = 0; trial < static_cast<std::uint64_t>(stops); ++trial) {
            const Strategy& strategy
                = strategies.at(static_cast<qsizetype>((seed + trial) % static_cast<std::uint64_t>(strategies.size())));
            const std::int64_t rounds = steps * (strategy.name == "dp" ? 6 : strategy.name.startsWith("ls") ? 3 : 1);
            stopAndResume(
                strategy, 1 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(rounds * 3 / 4), draw({seed, trial}))));
            if (QTest::currentTestFailed()) {
                qInfo("under %s", qPrintable(strategy.name));
                return;
            }
        }
    }

    void aSignalToOneRankStopsAllOfThemGently()
    {
        QProcess process;
        begin(process, training(strategies.at(6)), 2);
        if (QTest::currentTestFailed())
            return;
        ::kill(engines_of(lab()).back(), SIGTERM);
        QVERIFY(process.waitForFinished(60'000));
        const store::RunRecord stopped = newest_in(lab());
        QVERIFY2(stopped.state == store::RunState::Cancelled, stopped.error.c_str());
        QVERIFY2(stopped.error.find("was told to stop by a signal") != std::string::npos, stopped.error.c_str());
        QCOMPARE(store::resumption_of(stopped)->repeated, std::int64_t(0));
    }

    // A terminal that goes away sends it more than once.
    void aHangUpStopsGentlyHoweverOftenItComes()
    {
        QProcess process;
        begin(process, training(strategies.at(0)), 2);
        if (QTest::currentTestFailed())
            return;
        QElapsedTimer timer;
        timer.start();
        while (!process.waitForFinished(120) && timer.elapsed() < 60'000)
            ::kill(static_cast<pid_t>(process.processId()), SIGHUP);
        const store::RunRecord stopped = newest_in(lab());
        QCOMPARE(process.exitCode(), 1);
        QVERIFY(stopped.state == store::RunState::Cancelled);
        QVERIFY(stopped.steps_done >= 2);
        QCOMPARE(store::resumption_of(stopped)->repeated, std::int64_t(0));
    }

    void aRunInALongStepSaysWhereItStopsAndEndsWithTheStep()
    {
        const Workplace here;
        const auto process = slow(here, 1000);
        ::kill(static_cast<pid_t>(process->processId()), SIGTERM);
        QVERIFY(said(*process, "stopping: writing a checkpoint at the end of step 1; press Ctrl-C again to stop at once"));
        QVERIFY(process->waitForFinished(10'000));
        QCOMPARE(here.newest_state(), QString("cancelled"));
    }

    void aSecondSignalEndsItAtOnce()
    {
        const Workplace here;
        const auto process = slow(here, 60'000);
        ::kill(static_cast<pid_t>(process->processId()), SIGINT);
        QVERIFY(said(*process, "press Ctrl-C again to stop at once"));
        QElapsedTimer timer;
        timer.start();
        while (!process->waitForFinished(120) && timer.elapsed() < 5000) // one that comes right after the first is the same
            ::kill(static_cast<pid_t>(process->processId()), SIGINT);
        QVERIFY2(timer.elapsed() < 3000, QByteArray::number(timer.elapsed()));
        QCOMPARE(process->exitCode(), 1);
        QCOMPARE(here.newest_state(), QString("cancelled"));
    }

    void runsStopWaitsAndSaysWhereAndNowEndsItAtOnce()
    {
        const Workplace here;
        const auto process = slow(here, 60'000);
        const auto first = here.start({"runs", "stop", "1"});
        QVERIFY(
            said(*first, "stopping: run 1 writes a checkpoint at the end of step 1; to stop at once: pipebd runs stop 1 --now"));
        const auto second = here.start({"runs", "stop", "1"}); // does not end it, however often
        QVERIFY(said(*second, "stopping: run 1 writes"));
        QCOMPARE(process->state(), QProcess::Running);
        const Said now = here.run({"runs", "stop", "1", "--now"});
        QCOMPARE(now.status, 0);
        QVERIFY2(now.milliseconds < 3000, QByteArray::number(now.milliseconds));
        QVERIFY(process->waitForFinished(1000));
        QVERIFY(first->waitForFinished(5000) && second->waitForFinished(5000));
        QCOMPARE(first->readAllStandardOutput(), QByteArray("run 1 cancelled\n"));
    }

    void aStepThatIsLongerThanTheGraceIsNotWaitedFor()
    {
        const Workplace here;
        const auto process = slow(here, 60'000, {"--set", "run.stop_grace=1"});
        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(process->processId()), SIGTERM);
        QVERIFY(said(*process, "run.stop_grace"));
        QVERIFY(process->waitForFinished(5000));
        QVERIFY2(timer.elapsed() >= 1000 && timer.elapsed() < 4000, QByteArray::number(timer.elapsed()));
        QCOMPARE(here.newest_state(), QString("cancelled"));
    }

private:
    /// A run of the fake engine whose steps take so long, in its first step.
    static std::unique_ptr<QProcess> slow(const Workplace& here, int milliseconds, const QStringList& more = {})
    {
        const QString file = here.write("slow.toml", "pair = \"nas-digits\"\n[train]\nsteps = 1000\n");
        auto process
            = here.start(QStringList{"run", file, "--devices", "cpu", "--strategy", "single", "--progress", "lines"} + more,
                "in=train;gentle=1;pace=" + QByteArray::number(milliseconds));
        if (!said(*process, "\"doing\":\"training\""))
            qFatal("the run does not begin: %s", process->readAllStandardError().constData());
        return process;
    }

    static bool said(QProcess& process, const QByteArray& text)
    {
        QByteArray heard;
        process.setReadChannel(QProcess::StandardError);
        while (!heard.contains(text) && process.waitForReadyRead(20'000))
            heard += process.readAllStandardError();
        heard += process.readAllStandardError();
        return heard.contains(text);
    }
};

QTEST_GUILESS_MAIN(TestStopping)
#include "test_stopping.moc"
