// A run whose supervisor is gone is shown as lost, never as running, and nobody is signalled to find out.
#include "store_testing.h"

#include <QElapsedTimer>

#include <csignal>

using namespace pipebd;
using namespace pipebd::store;

namespace {

fs::path makeRun(const Lab& lab, const char* name, const RunRecord& record)
{
    const fs::path folder = lab.folder() / "runs" / name;
    fs::create_directory(folder);
    RunStore(folder / "run.sqlite", RunStore::Mode::Writer).save(record);
    return folder;
}

RunRecord storedIn(const fs::path& folder)
{
    return RunStore(folder / "run.sqlite", RunStore::Mode::ReadOnly).record();
}

} // namespace

class TestLostRuns : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void aProcessIsAliveOnlyIfAllThatIsKnownOfItAgrees()
    {
        const ProcessIdentity me = this_process();
        QCOMPARE(me.pid, getpid());
        QVERIFY(me.start_time > 0 && me.boot_id.size() == 36 && !me.host.empty());
        QVERIFY(is_alive(me));
        QVERIFY(!is_alive({me.pid, me.start_time + 1, me.boot_id, me.host}));
        QVERIFY(!is_alive({me.pid, me.start_time, "00000000-0000-0000-0000-000000000000", me.host}));
        QVERIFY(!is_alive({me.pid, me.start_time, me.boot_id, "elsewhere"}));
        QVERIFY(!is_alive({1, me.start_time, me.boot_id, me.host}));
        QVERIFY(!is_alive({0, 0, me.boot_id, me.host}));
        QVERIFY(!is_alive({-1, me.start_time, me.boot_id, me.host}));
    }

    // P6
    void aRunningRunOfADeadBootHostOrReusedPidIsLostAndNobodyIsSignalled_data()
    {
        QTest::addColumn<int>("pid");
        QTest::addColumn<quint64>("startLater");
        QTest::addColumn<QString>("boot");
        QTest::addColumn<QString>("host");
        QTest::addColumn<bool>("recorded");
        QTest::newRow("an earlier boot") << getpid() << quint64{0} << "00000000-0000-0000-0000-000000000000"
                                         << "" << true;
        QTest::newRow("another host") << getpid() << quint64{0} << ""
                                      << "elsewhere" << false;
        QTest::newRow("our pid, reused") << getpid() << quint64{1} << ""
                                         << "" << true;
        QTest::newRow("the pid of init, reused") << 1 << quint64{1} << ""
                                                 << "" << true;
        QTest::newRow("a pid that nobody has") << 0x3fffff << quint64{0} << ""
                                               << "" << true;
    }

    void aRunningRunOfADeadBootHostOrReusedPidIsLostAndNobodyIsSignalled()
    {
        QFETCH(int, pid);
        QFETCH(quint64, startLater);
        QFETCH(QString, boot);
        QFETCH(QString, host);
        QFETCH(bool, recorded);
        RunRecord record = recordIn(RunState::Running);
        record.supervisor.pid = pid;
        record.supervisor.start_time += startLater;
        if (!boot.isEmpty())
            record.supervisor.boot_id = boot.toStdString();
        if (!host.isEmpty())
            record.supervisor.host = host.toStdString();
        sigset_t all, before, pending;
        sigfillset(&all);
        QCOMPARE(sigprocmask(SIG_SETMASK, &all, &before), 0);
        const Lab lab(pathOf(m_folder));
        const fs::path folder = makeRun(lab, "0003-run", record);

        const RunRecord shown = lab.run(3);

        sigpending(&pending);
        sigprocmask(SIG_SETMASK, &before, nullptr);
        QVERIFY(sigisemptyset(&pending));
        QVERIFY(shown.state == RunState::Lost);
        QVERIFY2(shown.error.find(std::to_string(pid)) != std::string::npos, shown.error.c_str());
        QVERIFY(storedIn(folder).state == (recorded ? RunState::Lost : RunState::Running));
    }

    // P6: also while somebody else holds the lock, as another window that lists the runs does for a moment
    void aDeadSupervisorIsNotBelievedBecauseTheLockIsHeld()
    {
        RunRecord record = recordIn(RunState::Running);
        record.supervisor.start_time += 1;
        const Lab lab(pathOf(m_folder));
        const fs::path folder = makeRun(lab, "0001-run", record);
        const RunLock lock(folder);
        QVERIFY(lab.run(1).state == RunState::Lost);
        QVERIFY(storedIn(folder).state == RunState::Running);
    }

    // A process may outlive the run that it has given up.
    void aFreeLockIsBelievedMoreThanALivingProcess()
    {
        const Lab lab(pathOf(m_folder));
        const fs::path folder = makeRun(lab, "0001-run", recordIn(RunState::Running));
        QVERIFY(lab.run(1).state == RunState::Lost);
        QVERIFY(storedIn(folder).state == RunState::Lost);
    }

    void aSupervisorOnAnotherHostIsBelievedWhileItsLockIsHeld()
    {
        RunRecord record = recordIn(RunState::Running);
        record.supervisor.host = "container";
        const Lab lab(pathOf(m_folder));
        const fs::path folder = makeRun(lab, "0001-run", record);
        const RunLock lock(folder);
        QVERIFY(lab.run(1).state == RunState::Running);
    }

    // P4
    void aRunWhoseSupervisorIsKilledIsLostWithinASecondAndStaysSo()
    {
        const Lab lab(pathOf(m_folder));
        const fs::path folder = lab.folder() / "runs" / "0001-run";
        fs::create_directory(folder);
        Helper supervisor({"append", QString::fromStdString((folder / "run.sqlite").string()), "1000000"});
        QVERIFY(!supervisor.line().isEmpty());
        const std::string pid = std::to_string(supervisor.pid());
        QVERIFY(lab.run(1).state == RunState::Running);
        supervisor.kill();

        QElapsedTimer listed;
        listed.start();
        const RunRecord shown = lab.runs().at(0);
        QVERIFY(listed.elapsed() <= 1000);

        QVERIFY(shown.state == RunState::Lost);
        QVERIFY2(shown.error.find("process " + pid) != std::string::npos, shown.error.c_str());
        const RunRecord stored = storedIn(folder);
        QVERIFY(stored.state == RunState::Lost);
        QCOMPARE(stored.error, shown.error);
        QVERIFY2(stored.finished >= stored.started && stored.finished <= utc_text(), stored.finished.c_str());
        QVERIFY(lab.run(1).state == RunState::Lost);
        const RunStore run(folder / "run.sqlite", RunStore::Mode::ReadOnly);
        QCOMPARE(run.check(), "ok");
        QVERIFY(!run.samples(sample_for_test(0).series).empty());
    }

    void aRunThatIsOnlyAnnouncedIsQueuedWhileItsMakerLivesAndLostAfter()
    {
        Lab lab(pathOf(m_folder));
        const Lab::NewRun mine = lab.new_run("Über \"us\"");
        QVERIFY(lab.run(mine.id).state == RunState::Queued);
        QCOMPARE(lab.run(mine.id).name, "Über \"us\"");
        QVERIFY(!lab.run(mine.id).created.empty());

        Helper maker({"new-runs", m_folder.path(), "1"});
        maker.endInput();
        QCOMPARE(maker.line(), "ready");
        const int id = maker.line().toInt();
        QVERIFY(maker.endsWell());

        QVERIFY(lab.run(id).state == RunState::Lost);
        QVERIFY(storedIn(lab.run(id).folder).state == RunState::Lost);
        QCOMPARE(storedIn(lab.run(id).folder).name, "together");
        QVERIFY(lab.run(mine.id).state == RunState::Queued);
    }

    void aFinalStateIsNeverTurnedIntoLost()
    {
        const Lab lab(pathOf(m_folder));
        int id = 0;
        for (const RunState state : {RunState::Finished, RunState::Failed, RunState::Cancelled, RunState::Lost}) {
            RunRecord record = recordIn(state);
            record.supervisor.pid = 1;
            makeRun(lab, ("000" + std::to_string(++id) + "-run").c_str(), record);
            QVERIFY(lab.run(id).state == state);
        }
    }
};

QTEST_GUILESS_MAIN(TestLostRuns)
#include "test_lost_runs.moc"
