// The lab's files when they are not what they should be: foreign, newer, older, cut off, read-only.
#include "store/database.h"
#include "store/run_schema.h"
#include "store_testing.h"

#include <array>
#include <fstream>
#include <random>

using namespace pipebd;
using namespace pipebd::store;

namespace {

constexpr std::array<const char*, 2> twoSteps{"CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
    "ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7"};
constexpr std::array<const char*, 3> brokenThirdStep{twoSteps[0], twoSteps[1], "DELETE FROM thing; DROP TABLE nothing"};

Format things(std::span<const char* const> steps)
{
    return {"box of things", 4711, steps, false};
}

void makeFirstVersion(const fs::path& file)
{
    create_database(file, things(std::span(twoSteps).first(1)));
    runSql(file, "INSERT INTO thing (name) VALUES ('old')");
}

std::string readAll(const fs::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path& file, std::string_view bytes)
{
    std::ofstream(file, std::ios::binary) << bytes;
}

// All that a user sees of a run.
std::string contentsOf(const fs::path& file)
{
    const RunStore run(file, RunStore::Mode::ReadOnly);
    std::int64_t after = 0;
    const RunRecord record = run.record();
    std::string text = record.name + record.pair + record.strategy + record.created + std::string(to_string(record.state));
    for (const Sample& sample : run.new_samples(after))
        text += sample.series.name + std::to_string(sample.series.block) + " " + std::to_string(sample.step) + " "
            + std::to_string(sample.t) + " " + std::to_string(sample.value) + "\n";
    return text;
}

} // namespace

class TestDatabase : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path file(const char* name) const { return pathOf(m_folder) / name; }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    // S5
    void aFileThatIsNotOursOrNewerIsRefusedAndLeftAsItWas_data()
    {
        QTest::addColumn<QString>("sql");
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<Code>("code");
        QTest::newRow("empty") << QString() << QByteArray() << Code::NotADatabase;
        QTest::newRow("text") << QString() << QByteArray("# a diary\n").repeated(1000) << Code::NotADatabase;
        QTest::newRow("one byte") << QString() << QByteArray("S") << Code::NotADatabase;
        QTest::newRow("of another application")
            << "PRAGMA application_id = 1; CREATE TABLE t (a)" << QByteArray() << Code::NotADatabase;
        QTest::newRow("of none, in write-ahead mode")
            << "PRAGMA journal_mode = WAL; CREATE TABLE t (a)" << QByteArray() << Code::NotADatabase;
        QTest::newRow("newer run") << "PRAGMA application_id = 0x50424452; PRAGMA user_version = 999; CREATE TABLE t (a)"
                                   << QByteArray() << Code::Newer;
        QTest::newRow("newer library") << "PRAGMA application_id = 0x5042444c; PRAGMA user_version = 4; CREATE TABLE t (a)"
                                       << QByteArray() << Code::Newer;
    }

    void aFileThatIsNotOursOrNewerIsRefusedAndLeftAsItWas()
    {
        QFETCH(QString, sql);
        QFETCH(QByteArray, bytes);
        QFETCH(Code, code);
        const bool forLab = QByteArray(QTest::currentDataTag()).contains("library");
        const fs::path run = file("run.sqlite");
        const fs::path library = file("library.sqlite");
        for (const fs::path& made : {run, library}) {
            if (sql.isEmpty())
                write(made, bytes.toStdString());
            else
                runSql(made, sql.toStdString());
        }
        const std::string before = hashOf(run);

        std::string line;
        if (!forLab) {
            QVERIFY(errorOf([&] { RunStore(run, RunStore::Mode::ReadOnly); }, &line) == code);
            QVERIFY2(line.find(run.string()) != std::string::npos, line.c_str());
            QVERIFY(errorOf([&] { RunStore(run, RunStore::Mode::Writer); }) == code);
        }
        if (forLab || code == Code::NotADatabase) {
            QVERIFY(errorOf([&] { Lab{pathOf(m_folder)}; }, &line) == code);
            QVERIFY2(line.find(library.string()) != std::string::npos, line.c_str());
        }

        QCOMPARE(hashOf(run), before);
        QCOMPARE(hashOf(library), before);
    }

    void aFolderIsNoDatabase()
    {
        fs::create_directory(file("run.sqlite"));
        QVERIFY(errorOf([&] { RunStore(file("run.sqlite"), RunStore::Mode::ReadOnly); }) == Code::NotADatabase);
        QVERIFY(errorOf([&] { RunStore(file("run.sqlite"), RunStore::Mode::Writer); }) == Code::NotADatabase);
    }

    void bothDatabasesSayWhatTheyAre()
    {
        {
            Lab{pathOf(m_folder)};
        }
        makeFinishedRun(file("run.sqlite"));
        QCOMPARE(valueOf(file("run.sqlite"), "PRAGMA application_id"), std::to_string(0x50424452));
        QCOMPARE(valueOf(file("run.sqlite"), "PRAGMA user_version"), "1");
        QCOMPARE(valueOf(file("library.sqlite"), "PRAGMA application_id"), std::to_string(0x5042444c));
        QCOMPARE(valueOf(file("library.sqlite"), "PRAGMA user_version"), "3");
    }

    void connectionsDoNotTrustTheFile()
    {
        makeFinishedRun(file("run.sqlite"));
        for (const Access access : {Access::ReadOnly, Access::ReadWrite}) {
            SQLite::Database database = open_database(file("run.sqlite"), run_format, access);
            QCOMPARE(database.execAndGet("PRAGMA foreign_keys").getInt(), 1);
            QCOMPARE(database.execAndGet("PRAGMA trusted_schema").getInt(), 0);
            QCOMPARE(database.execAndGet("PRAGMA cell_size_check").getInt(), 1);
            QCOMPARE(database.execAndGet("PRAGMA synchronous").getInt(), 2);
        }
    }

    // S7, with a second step made up for the test
    void anOlderFileIsBroughtUpToDateAfterABackup()
    {
        const fs::path box = file("box.sqlite");
        makeFirstVersion(box);
        {
            SQLite::Database readOnly = open_database(box, things(twoSteps), Access::ReadOnly);
            QCOMPARE(readOnly.execAndGet("PRAGMA user_version").getInt(), 1);
        }

        {
            open_database(box, things(twoSteps), Access::ReadWrite);
        }

        QCOMPARE(valueOf(box, "PRAGMA user_version"), "2");
        QCOMPARE(valueOf(box, "SELECT name || size FROM thing"), "old7");
        const fs::path backup = box.string() + ".v1.backup";
        QCOMPARE(valueOf(backup, "PRAGMA user_version"), "1");
        QCOMPARE(valueOf(backup, "PRAGMA application_id"), "4711");
        QCOMPARE(valueOf(backup, "SELECT name FROM thing"), "old");
        QCOMPARE(valueOf(backup, "SELECT count(*) FROM pragma_table_info('thing')"), "2");
        QVERIFY(errorOf([&] { open_database(box, things(std::span(twoSteps).first(1)), Access::ReadWrite); }) == Code::Newer);
    }

    // S7
    void aMigrationThatFailsLeavesTheOldFile()
    {
        const fs::path box = file("box.sqlite");
        makeFirstVersion(box);
        const std::string before = hashOf(box);

        QVERIFY(errorOf([&] { open_database(box, things(brokenThirdStep), Access::ReadWrite); }));

        QCOMPARE(hashOf(box), before);
        QCOMPARE(valueOf(box, "SELECT name FROM thing"), "old");
    }

    void creatingNeverReplacesAFile()
    {
        const fs::path box = file("box.sqlite");
        makeFirstVersion(box);
        create_database(box, things(twoSteps));
        QCOMPARE(valueOf(box, "SELECT name FROM thing"), "old");
        QCOMPARE(std::distance(fs::directory_iterator(pathOf(m_folder)), {}), 1);
    }

    // S6: every 97th length
    void aRunCutOffAnywhereIsListedAsDamaged()
    {
        const Lab lab(pathOf(m_folder));
        const fs::path good = lab.folder() / "runs" / "0001-good";
        const fs::path cut = lab.folder() / "runs" / "0002-cut";
        fs::create_directory(good);
        fs::create_directory(cut);
        makeFinishedRun(good / "run.sqlite");
        const std::string bytes = readAll(good / "run.sqlite");

        for (std::size_t length = 0; length < bytes.size(); length += 97) {
            write(cut / "run.sqlite", std::string_view(bytes).substr(0, length));
            const std::vector<RunRecord> runs = lab.runs();
            QCOMPARE(runs.size(), std::size_t{2});
            QVERIFY(runs[0].id == 2 && runs[0].state == RunState::Failed);
            QVERIFY2(runs[0].error.find("damaged") != std::string::npos, runs[0].error.c_str());
            QVERIFY(runs[1].state == RunState::Finished);
        }
    }

    // S6, a few of its flips: each is reported, or changes nothing that anybody reads.
    void aFlippedBitIsFoundOrHarmless()
    {
        const unsigned seed = std::random_device{}();
        qInfo("seed %u", seed);
        std::mt19937 random(seed);
        const fs::path run = file("run.sqlite");
        makeFinishedRun(run);
        const std::string expected = contentsOf(run);
        std::string bytes = readAll(run);
        int found = 0;
        for (int flip = 0; flip < 100; ++flip) {
            char& byte = bytes[random() % bytes.size()];
            const auto bit = static_cast<char>(1 << random() % 8);
            byte ^= bit;
            write(run, bytes);
            byte ^= bit;
            std::string verdict = "refused";
            std::string contents;
            errorOf([&] {
                verdict = RunStore(run, RunStore::Mode::ReadOnly).check();
                contents = contentsOf(run);
            });
            if (verdict == "ok")
                QCOMPARE(contents, expected);
            else
                ++found;
        }
        qInfo("%d of 100 flips were reported, the others changed nothing", found);
    }

    // S12
    void aRunInAFolderThatCannotBeWrittenIsRead()
    {
        const fs::path run = file("run #1 50%?.sqlite");
        {
            RunStore writer(run, RunStore::Mode::Writer);
            writer.save(recordIn(RunState::Running));
            writer.append(batch_for_test(0));
        }
        QCOMPARE(valueOf(run, "PRAGMA journal_mode"), "wal");
        fs::remove(run.string() + "-wal");
        fs::remove(run.string() + "-shm");
        using enum fs::perms;
        fs::permissions(pathOf(m_folder), owner_read | owner_exec | group_read | group_exec | others_read | others_exec);

        Helper reader({"record", QString::fromStdString(run.string())});
        QCOMPARE(reader.line(), "running 100 ok");
        fs::permissions(pathOf(m_folder), owner_all);
    }
};

QTEST_GUILESS_MAIN(TestDatabase)
#include "test_database.moc"
