// Signals and sudden deaths of the program itself, and a full disk: rows P4, P10, S3 and S10 of the fault table.
#include "command.h"

#include "store/run_store.h"

#include <QStandardPaths>

#include <csignal>
#include <filesystem>

#include <sched.h>
#include <sys/mount.h>

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

/// A file system of `megabytes` at `folder`, for this process and its children; false if that is not permitted.
bool mount_small_disk(const QString& folder, int megabytes)
{
    const QByteArray options = "size=" + QByteArray::number(megabytes) + "m";
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
        && ::mount("tmpfs", folder.toUtf8().constData(), "tmpfs", 0, options.constData()) == 0;
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

    static bool begun(QProcess& process, const QByteArray& sign = "has started")
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

    void aSignalEndsWhatTheWindowWaitsFor_data() // P10
    {
        QTest::addColumn<QStringList>("command");
        QTest::addColumn<int>("signal");
        QTest::newRow("profile, TERM") << QStringList{"profile"} << SIGTERM;
        QTest::newRow("profile, Ctrl-C") << QStringList{"profile"} << SIGINT;
        QTest::newRow("plan, TERM") << QStringList{"plan"} << SIGTERM;
    }

    void aSignalEndsWhatTheWindowWaitsFor()
    {
        QFETCH(QStringList, command);
        QFETCH(int, signal);
        const auto run = here_->start(
            command + QStringList{experiment_, "--devices", "cpu,cpu", "--progress", "lines"}, "in=profile;do=hang;deaf=1");
        QTRY_VERIFY(ranks_of(run->processId()).size() == 2);
        const QList<int> ranks = ranks_of(run->processId());

        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(run->processId()), signal);

        QVERIFY(run->waitForFinished(5000));
        QVERIFY(timer.elapsed() <= 3000);
        QCOMPARE(run->exitCode(), 1);
        QVERIFY(run->readAllStandardError().endsWith("\npipebd: error: profiling was cancelled: by a signal\n"));
        QVERIFY(all_gone(ranks));
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

    void aRunIsStoppedAtOnceThoughItsRanksAreDeaf()
    {
        const auto run = endless_run(";deaf=1");
        const QList<int> ranks = ranks_of(run->processId());

        const Said said = here_->run({"runs", "stop", "1", "--now"});

        QCOMPARE(said.status, 0);
        QCOMPARE(said.out, QByteArray("run 1 cancelled\n"));
        QVERIFY2(said.milliseconds < 1900, QByteArray::number(said.milliseconds)); // without the grace of 2 s
        QVERIFY(run->waitForFinished(1000));
        QCOMPARE(run->exitCode(), 1);
        QVERIFY(all_gone(ranks));
    }

    void aFullDiskIsShownWithinASecondAndTheRunIsStoredOnceThereIsRoom() // S3
    {
        const QString disk = here_->path("lab");
        QVERIFY(QDir().mkpath(disk));
        if (!mount_small_disk(disk, 4))
            QSKIP("this user may not mount a file system");
        const auto run = here_->start(
            {"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu", "--set", "train.steps=600"}, "pace=5");
        QVERIFY(begun(*run));

        QFile filler(disk + "/filler");
        QVERIFY(filler.open(QIODevice::WriteOnly | QIODevice::Unbuffered));
        while (filler.write(QByteArray(4096, 'x')) == 4096) { }
        QElapsedTimer timer;
        timer.start();
        QVERIFY(begun(*run, "cannot be stored at the moment"));
        QVERIFY2(timer.elapsed() <= 1000, QByteArray::number(timer.elapsed()).constData());
        QVERIFY(run->state() == QProcess::Running);
        QTRY_VERIFY(timer.elapsed() > 1200); // it goes on without the disk, and has tried again
        QVERIFY(run->state() == QProcess::Running);
        QVERIFY(filler.remove());

        QVERIFY(run->waitForFinished(20'000));
        QCOMPARE(run->exitCode(), 0);
        const std::filesystem::path folder
            = here_->run({"runs", "show", "1", "--json"}).object()["folder"].toString().toStdString();
        {
            const pipebd::store::RunStore store(folder / "run.sqlite", pipebd::store::RunStore::Mode::ReadOnly);
            QCOMPARE(store.check(), std::string("ok"));
            for (int rank : {0, 1})
                QCOMPARE(store.samples({"step_ms", rank, -1}).size(), std::size_t(600));
        }
        ::umount2(disk.toUtf8().constData(), MNT_DETACH);
    }

    void databasesAreOpenedBySqliteAlone() // S10
    {
        const QString strace = QStandardPaths::findExecutable("strace");
        if (strace.isEmpty())
            QSKIP("there is no strace");
        const QString command
            = strace + " -f -qq -e trace=open,openat,openat2 -o " + here_->path("trace") + " " PIPEBD_BIN_DIR "/pipebd ";
        here_->run_shell(command + "run " + experiment_ + " --devices cpu,cpu --set train.steps=20", "");
        QFile trace(here_->path("trace"));
        QVERIFY(trace.open(QIODevice::ReadOnly));
        int opened = 0;
        for (const QByteArray& call : trace.readAll().split('\n')) {
            if (!call.contains(".sqlite"))
                continue;
            ++opened;
            QVERIFY2(call.contains("O_NOFOLLOW"), call.constData()); // as SQLite does, and nothing else here
        }
        QVERIFY(opened >= 2);
        QCOMPARE(here_->newest_state(), QString("finished"));
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
