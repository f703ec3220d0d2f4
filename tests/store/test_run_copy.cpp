// A run copied whole is the same run elsewhere, even if it goes on here.
#include "compared_runs.h"

#include "store/run_copy.h"

#include <fstream>

using namespace pipebd;
using namespace pipebd::store;

class TestRunCopy : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QTemporaryDir m_other;

private slots:
    void init()
    {
        m_folder = QTemporaryDir();
        m_other = QTemporaryDir();
    }

    void aCopyIsARunInAnotherLab()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.steps = 10});
        const RunRecord run = lab.run(1);
        fs::create_directories(run.folder / "checkpoints" / "best");
        std::ofstream(run.folder / "checkpoints" / "best" / "manifest.json") << "{}";
        fs::create_symlink("/etc/passwd", run.folder / "link");

        const Lab there(pathOf(m_other));
        const fs::path copy = copy_run(run, there.folder() / "runs");

        QCOMPARE(copy, there.folder() / "runs" / "0001-digits-nas");
        QVERIFY(there.run(1).state == RunState::Finished);
        const RunStore store(copy / "run.sqlite", RunStore::Mode::ReadOnly);
        QCOMPARE(store.check(), "ok"); // its seal, too
        std::int64_t after = 0;
        QCOMPARE(store.new_samples(after).size(), std::size_t{30});
        QVERIFY(fs::exists(copy / "checkpoints" / "best" / "manifest.json"));
        QVERIFY(!fs::exists(fs::symlink_status(copy / "link")));
        QVERIFY(!fs::exists(copy / "lock"));
        QVERIFY(errorOf([&] { copy_run(run, there.folder() / "runs"); }) == Code::BadRequest);
        QCOMPARE(std::distance(fs::directory_iterator(there.folder() / "runs"), {}), 1);
    }

    void aRunThatGoesOnIsCopiedAsOfOneMoment()
    {
        Lab lab(pathOf(m_folder));
        const fs::path folder = lab.new_run("live").folder;
        const RunLock lock(folder);
        RunStore run(folder / "run.sqlite", RunStore::Mode::Writer);
        run.save(recordIn(RunState::Running));
        run.append(batch_for_test(0));
        const fs::path copy = copy_run(lab.run(1), pathOf(m_other));
        run.append(batch_for_test(1)); // goes on undisturbed
        std::int64_t after = 0;
        QCOMPARE(RunStore(copy / "run.sqlite", RunStore::Mode::ReadOnly).new_samples(after).size(), std::size_t{100});
        QVERIFY(!fs::exists(copy / "run.sqlite-wal"));
    }

    void whatCannotBeCopiedLeavesNothing()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {});
        const RunRecord run = lab.run(1);
        QVERIFY(errorOf([&] { copy_run(run, run.folder / "inside"); }) == Code::BadRequest);
        std::ofstream(pathOf(m_other) / "file") << "no folder";
        QVERIFY(errorOf([&] { copy_run(run, pathOf(m_other) / "file"); }));
        runSql(run.folder / "run.sqlite", "PRAGMA user_version = 7");
        QVERIFY(errorOf([&] { copy_run(run, pathOf(m_other)); }) == Code::Newer);
        QCOMPARE(std::distance(fs::directory_iterator(pathOf(m_other)), {}), 1);
    }
};

QTEST_GUILESS_MAIN(TestRunCopy)
#include "test_run_copy.moc"
