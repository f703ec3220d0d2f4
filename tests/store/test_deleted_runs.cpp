// Runs that are put aside, brought back, and removed for good; and that a list which is asked for again is still right.
#include "store_testing.h"

#include <fstream>

using namespace pipebd;
using namespace pipebd::store;

class TestDeletedRuns : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path newRun(Lab& lab) const
    {
        const fs::path folder = lab.new_run("digits").folder;
        makeFinishedRun(folder / "run.sqlite");
        return folder;
    }

    fs::path runs() const { return pathOf(m_folder) / "runs"; }
    auto entries() const { return std::distance(fs::directory_iterator(runs()), {}); }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void aDeletedRunIsUntouchedAndComesBack()
    {
        Lab lab(pathOf(m_folder));
        const fs::path folder = newRun(lab);
        lab.set_note(1, "kept");
        const std::string before = hashOf(folder / "run.sqlite");

        lab.delete_run(1);
        const std::string when = lab.annotation(1).deleted;
        QVERIFY2(when.starts_with("20") && when.ends_with("Z"), when.c_str());
        lab.delete_run(1);
        QCOMPARE(lab.annotation(1).deleted, when);
        QCOMPARE(lab.runs().size(), std::size_t{1});
        QCOMPARE(hashOf(folder / "run.sqlite"), before);

        lab.restore_run(1);
        QVERIFY(lab.annotation(1) == (Annotation{{}, "kept", ""}));
    }

    void aRunThatGoesOnIsNotDeleted()
    {
        Lab lab(pathOf(m_folder));
        const fs::path folder = lab.new_run("live").folder;
        std::string line;
        QVERIFY(errorOf([&] { lab.delete_run(1); }, &line) == Code::BadRequest); // queued
        const RunLock lock(folder);
        RunStore run(folder / "run.sqlite", RunStore::Mode::Writer);
        run.save(recordIn(RunState::Running));
        QVERIFY(errorOf([&] { lab.delete_run(1); }, &line) == Code::BadRequest);
        QVERIFY2(line.find("running") != std::string::npos && line.find("pipebd runs stop 1") != std::string::npos, line.c_str());
        QVERIFY(lab.annotation(1).deleted.empty());
    }

    void onlyADeletedRunIsPurgedAndNothingOfItIsLeft()
    {
        Lab lab(pathOf(m_folder));
        newRun(lab);
        const fs::path folder = newRun(lab);
        fs::create_directories(folder / "checkpoints" / "round-1");
        std::ofstream(folder / "checkpoints" / "round-1" / "manifest.json") << "{}";
        lab.set_note(2, "secret");
        QVERIFY(errorOf([&] { lab.purge_run(2); }) == Code::BadRequest);
        QVERIFY(fs::exists(folder / "run.sqlite"));

        lab.delete_run(2);
        lab.purge_run(2);

        QCOMPARE(entries(), 1);
        QVERIFY(errorOf([&] { lab.run(2); }) == Code::NotFound);
        QVERIFY(lab.annotations().empty());
        QCOMPARE(valueOf(pathOf(m_folder) / "library.sqlite", "SELECT count(*) FROM run WHERE id = 2"), "0");
        QCOMPARE(lab.new_run("next").id, 3);
    }

    void theNumberOfAPurgedCopyIsNotGivenAgain()
    {
        Lab lab(pathOf(m_folder));
        newRun(lab);
        fs::copy(runs() / "0001-digits", runs() / "0040-copied");
        lab.delete_run(40);
        lab.purge_run(40);
        QCOMPARE(lab.new_run("next").id, 41);
    }

    void aSupervisedRunIsNotPurged()
    {
        Lab lab(pathOf(m_folder));
        const fs::path folder = newRun(lab);
        lab.delete_run(1);
        lab.set_note(1, "kept");
        {
            Helper helper({"hold", QString::fromStdString(folder.string())});
            QCOMPARE(helper.line(), "held");
            QVERIFY(errorOf([&] { lab.purge_run(1); }) == Code::Locked);
            QCOMPARE(lab.annotation(1).note, "kept");
            QVERIFY(fs::exists(folder / "run.sqlite"));
        }
        lab.purge_run(1);
        QCOMPARE(entries(), 0);
    }

    void aPurgeThatCannotBeRecordedLeavesTheRunAsItWas()
    {
        Lab lab(pathOf(m_folder));
        newRun(lab);
        lab.delete_run(1);
        const fs::path library = pathOf(m_folder) / "library.sqlite";
        runSql(library,
            "CREATE TABLE holder (run INTEGER REFERENCES run (id) DEFERRABLE INITIALLY DEFERRED);"
            "INSERT INTO holder VALUES (1)"); // the commit fails, and nothing before it
        QVERIFY(errorOf([&] { lab.purge_run(1); }));
        runSql(library, "DROP TABLE holder");
        QVERIFY(lab.run(1).state == RunState::Finished);
        QVERIFY(!lab.annotation(1).deleted.empty());
        QCOMPARE(entries(), 1);
        lab.purge_run(1);
        QCOMPARE(entries(), 0);
    }

    void whatAKilledPurgeLeftIsNoRunAndIsSwept()
    {
        Lab lab(pathOf(m_folder));
        newRun(lab);
        fs::rename(newRun(lab), runs() / ".purged-2-4711-0");
        QCOMPARE(lab.runs().size(), std::size_t{1});
        lab.delete_run(1);
        lab.purge_run(1);
        QCOMPARE(entries(), 0);
    }

    void aListAskedForAgainShowsWhatHasChanged()
    {
        Lab lab(pathOf(m_folder));
        const fs::path changed = newRun(lab) / "run.sqlite";
        newRun(lab);
        QTRY_VERIFY_WITH_TIMEOUT(hasSettled(changed), 10'000); // from then on its record may be kept
        lab.runs();
        QVERIFY(lab.runs().at(1).error.empty());

        runSql(changed, "UPDATE record SET json = '['");
        QVERIFY(lab.runs().at(1).error.find("damaged") != std::string::npos);
        fs::remove_all(changed.parent_path());
        QCOMPARE(lab.runs().size(), std::size_t{1});
    }

private:
    /// More than two seconds old.
    static bool hasSettled(const fs::path& file)
    {
        return fs::file_time_type::clock::now() - fs::last_write_time(file) > std::chrono::milliseconds(2'100);
    }
};

QTEST_GUILESS_MAIN(TestDeletedRuns)
#include "test_deleted_runs.moc"
