// Signals and sudden deaths of the program itself: rows P4 and P10 of the fault table.
#include "command.h"

#include <csignal>

namespace {

/// The living children of `supervisor`.
QList<int> ranks_of(qint64 supervisor)
{
    QList<int> ranks;
    const QStringList entries = QDir("/proc").entryList(QDir::Dirs);
    for (const QString& entry : entries) {
        QFile stat("/proc/" + entry + "/stat");
        if (entry.toInt() <= 0 || !stat.open(QIODevice::ReadOnly))
            continue;
        const QByteArray text = stat.readAll();
        const QList<QByteArray> fields = text.mid(text.lastIndexOf(')') + 2).split(' '); // state, parent, ...
        if (fields.size() > 1 && fields[1].toLongLong() == supervisor && fields[0] != "Z")
            ranks.append(entry.toInt());
    }
    return ranks;
}

bool is_gone(int pid)
{
    QFile stat(QStringLiteral("/proc/%1/stat").arg(pid));
    if (!stat.open(QIODevice::ReadOnly))
        return true;
    const QByteArray text = stat.readAll();
    return text.mid(text.lastIndexOf(')') + 2).startsWith('Z'); // dead, whoever reaps it
}

bool all_gone(const QList<int>& pids)
{
    return std::all_of(pids.begin(), pids.end(), is_gone);
}

} // namespace

class TestFaults : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;
    QString experiment_;

    /// A run with three ranks that goes on for ever, once it has begun.
    std::unique_ptr<QProcess> endless_run(const QByteArray& told = {})
    {
        auto process
            = here_->start({"run", experiment_, "--devices", "cpu,cpu,cpu", "--strategy", "tr+dpu"}, "steps=1000000;pace=5" + told);
        if (!begun(*process))
            qFatal("the run does not begin: %s", process->readAllStandardError().constData());
        return process;
    }

    static bool begun(QProcess& process, const QByteArray& sign = "has begun")
    {
        QByteArray said;
        process.setReadChannel(QProcess::StandardError);
        while (!said.contains(sign) && process.waitForReadyRead(10'000))
            said += process.readAllStandardError();
        return said.contains(sign);
    }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 1000000\n");
    }

    void aKilledSupervisorLeavesNoRankAndALostRun() // P4
    {
        const auto run = endless_run(";rank=1;step=3;do=hang"); // one that would not notice a closed pipe
        const QList<int> ranks = ranks_of(run->processId());
        QCOMPARE(ranks.size(), 3);
        QCOMPARE(here_->newest_state(), QString("running"));

        ::kill(static_cast<pid_t>(run->processId()), SIGKILL);

        QTRY_VERIFY_WITH_TIMEOUT(all_gone(ranks), 1000);
        run->waitForFinished();
        QElapsedTimer timer;
        timer.start();
        QCOMPARE(here_->newest_state(), QString("lost"));
        QVERIFY(timer.elapsed() <= 1000);
    }

    void aSignalCancelsTheRun_data() // P10
    {
        QTest::addColumn<int>("signal");
        QTest::addColumn<QByteArray>("told");
        QTest::newRow("Ctrl-C") << SIGINT << QByteArray();
        QTest::newRow("TERM") << SIGTERM << QByteArray();
        QTest::newRow("HUP") << SIGHUP << QByteArray();
        QTest::newRow("Ctrl-C, ranks deaf to TERM") << SIGINT << QByteArray(";deaf=1");
    }

    void aSignalCancelsTheRun()
    {
        QFETCH(int, signal);
        QFETCH(QByteArray, told);
        const auto run = endless_run(told);
        const QList<int> ranks = ranks_of(run->processId());

        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(run->processId()), signal);

        QVERIFY(run->waitForFinished(5000));
        QVERIFY(timer.elapsed() <= 3000);
        QCOMPARE(run->exitCode(), 1);
        QCOMPARE(here_->newest_state(), QString("cancelled"));
        QVERIFY(all_gone(ranks));
    }

    void aSignalCancelsWhatComesBeforeTheRun_data() // P10
    {
        QTest::addColumn<QByteArray>("told");
        QTest::newRow("profile") << QByteArray("in=profile;do=hang");
        QTest::newRow("check") << QByteArray("in=check;do=hang");
    }

    void aSignalCancelsWhatComesBeforeTheRun()
    {
        QFETCH(QByteArray, told);
        const auto run = here_->start({"run", experiment_, "--devices", "cpu,cpu"}, told);
        QTRY_VERIFY(!ranks_of(run->processId()).isEmpty());
        const QList<int> ranks = ranks_of(run->processId());

        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(run->processId()), SIGINT);

        QVERIFY(run->waitForFinished(5000));
        QVERIFY(timer.elapsed() <= 3000);
        QCOMPARE(run->exitCode(), 1);
        QVERIFY(run->readAllStandardError().contains("cancelled"));
        QVERIFY(all_gone(ranks));
    }

    void aRunIsStoppedFromElsewhere()
    {
        const auto run = endless_run();

        const Said said = here_->run({"runs", "stop", "1"});

        QCOMPARE(said.status, 0);
        QCOMPARE(said.out, QByteArray("run 1 cancelled\n"));
        QVERIFY(run->waitForFinished(1000));
        QCOMPARE(run->exitCode(), 1);
    }

    void aRunGoesOnWithoutItsTerminal()
    {
        const QString command = QStringLiteral(PIPEBD_BIN_DIR "/pipebd run %1 --devices cpu --set train.steps=40 2>&1 | true");
        here_->run_shell(command.arg(experiment_), "pace=10");
        QCOMPARE(here_->newest_state(), QString("finished"));
    }
};

QTEST_GUILESS_MAIN(TestFaults)
#include "test_faults.moc"
