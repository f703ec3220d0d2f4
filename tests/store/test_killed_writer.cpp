// A writer that is killed: what it has acknowledged is stored, whatever it was doing.
#include "store_testing.h"

#include <QElapsedTimer>

#include <chrono>
#include <random>

using namespace pipebd;
using namespace pipebd::store;

namespace {

// The fault comes at a random moment of what the other process does next.
void passTime(std::chrono::microseconds time)
{
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) { }
}

} // namespace

class TestKilledWriter : public QObject {
    Q_OBJECT

    std::mt19937 m_random;

private slots:
    void initTestCase()
    {
        const unsigned seed = std::random_device{}();
        qInfo("seed %u", seed);
        m_random.seed(seed);
    }

    // S1
    void whatWasAcknowledgedIsThereAfterEachOf25Kills()
    {
        const QTemporaryDir folder;
        const fs::path file = pathOf(folder) / "run.sqlite";
        qint64 slowest = 0;
        std::size_t stored = 0;
        for (int kill = 0; kill < 25; ++kill) {
            int acknowledged = static_cast<int>(stored / samples_in_batch);
            {
                Helper writer({"append", QString::fromStdString(file.string()), "1000000"});
                const int batches = 1 + static_cast<int>(m_random() % 40);
                for (int batch = 0; batch < batches; ++batch)
                    acknowledged = writer.line().toInt() + 1;
                passTime(std::chrono::microseconds(m_random() % 3000));
                writer.kill();
                for (QByteArray line = writer.line(); !line.isEmpty(); line = writer.line())
                    acknowledged = line.toInt() + 1;
            }

            QElapsedTimer reopened;
            reopened.start();
            const RunStore run(file, RunStore::Mode::ReadOnly);
            std::int64_t after = 0;
            const std::vector<Sample> samples = run.new_samples(after);
            slowest = std::max(slowest, reopened.elapsed());
            stored = samples.size();
            QVERIFY(stored % samples_in_batch == 0);
            QVERIFY(stored >= static_cast<std::size_t>(acknowledged) * samples_in_batch);
            QVERIFY(stored <= static_cast<std::size_t>(acknowledged + 1) * samples_in_batch);
            for (std::size_t index = 0; index < samples.size(); ++index)
                QVERIFY(same(samples[index], sample_for_test(static_cast<std::int64_t>(index))));
            QCOMPARE(run.check(), "ok");
            QVERIFY(run.record().state == RunState::Running);
        }
        qInfo("%zu samples after 25 kills, none lost; slowest reopening and reading %lld ms", stored, slowest);
        QVERIFY(slowest <= 500);
    }

    // S11: closed last, a connection that may write would move the log into the file.
    void aReaderLeavesTheLogOfAKilledWriterAlone()
    {
        const QTemporaryDir folder;
        const fs::path file = pathOf(folder) / "run.sqlite";
        {
            Helper writer({"append", QString::fromStdString(file.string()), "1000000"});
            QCOMPARE(writer.line(), "0");
        }
        const fs::path log = file.string() + "-wal";
        const std::string before = hashOf(file) + hashOf(log);
        std::int64_t after = 0;
        QVERIFY(RunStore(file, RunStore::Mode::ReadOnly).new_samples(after).size() >= samples_in_batch);
        QCOMPARE(hashOf(file) + hashOf(log), before);
    }

    // S1, while the run is sealed and leaves write-ahead mode
    void aRunKilledWhileItIsSealedIsFinishedAndWhole()
    {
        for (int kill = 0; kill < 15; ++kill) {
            const QTemporaryDir folder;
            const Lab lab(pathOf(folder));
            const fs::path run = lab.folder() / "runs" / "0001-killed";
            fs::create_directory(run);
            {
                Helper writer({"append", QString::fromStdString((run / "run.sqlite").string()), "5"});
                for (QByteArray line = writer.line(); line != "finishing"; line = writer.line())
                    QVERIFY(!line.isEmpty());
                passTime(std::chrono::microseconds(m_random() % 6000));
            }
            QVERIFY(lab.run(1).state == RunState::Finished);
            const RunStore store(run / "run.sqlite", RunStore::Mode::ReadOnly);
            std::int64_t after = 0;
            QCOMPARE(store.new_samples(after).size(), std::size_t{5 * samples_in_batch});
            QCOMPARE(store.check(), "ok");
        }
    }

    // A journal that a killed writer has left can be rolled back by a writer only.
    void aJournalLeftByAKilledWriterIsRolledBackByTheLab()
    {
        const QTemporaryDir folder;
        const Lab lab(pathOf(folder));
        const fs::path whole = lab.folder() / "runs" / "0001-whole";
        const fs::path torn = lab.folder() / "runs" / "0002-torn";
        fs::create_directory(whole);
        makeFinishedRun(whole / "run.sqlite");
        {
            SQLite::Database writer((whole / "run.sqlite").string(), SQLite::OPEN_READWRITE);
            writer.exec("PRAGMA cache_size = 1");
            SQLite::Transaction unfinished(writer);
            writer.exec("UPDATE sample SET value = 0");
            writer.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                        "INSERT INTO log (t, rank, text) SELECT i, 0, hex(zeroblob(500)) FROM n");
            fs::copy(whole, torn); // as a kill at this moment leaves it
        }
        QVERIFY(fs::file_size(torn / "run.sqlite-journal") > 0);

        QVERIFY2(lab.run(2).state == RunState::Finished, lab.run(2).error.c_str());

        const RunStore run(torn / "run.sqlite", RunStore::Mode::ReadOnly);
        QCOMPARE(run.check(), "ok");
        std::int64_t after = 0;
        QVERIFY(same(run.new_samples(after).at(7), sample_for_test(7)));
    }
};

QTEST_GUILESS_MAIN(TestKilledWriter)
#include "test_killed_writer.moc"
