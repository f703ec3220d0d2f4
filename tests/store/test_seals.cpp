// The seals of a run tell every changed bit, and what can be read of a damaged run is saved. PIPEBD_TEST_FLIPS: how many bits.
#include "compared_runs.h"

#include "store/leftovers.h"
#include "store/repair.h"
#include "store/run_copy.h"
#include "store/run_damage.h"

#include "base/file.h"
#include "base/random.h"

#include <QDateTime>

#include <fstream>

using namespace pipebd;
using namespace pipebd::store;

namespace {

void flip(const fs::path& file, std::uint64_t bit)
{
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(bit / 8));
    const char byte = static_cast<char>(stream.get() ^ (1 << bit % 8));
    stream.seekp(static_cast<std::streamoff>(bit / 8));
    stream.put(byte);
}

constexpr std::size_t page_bytes = 4096;

/// Where the first page begins that holds as many rows as no table but that of the samples has in a page (SQLite's file format,
/// B-tree pages: 0x0d is a leaf of a table, the number of its rows two bytes at 3).
std::size_t page_of_samples(const std::string& file)
{
    constexpr int many = 50;
    for (std::size_t page = page_bytes; page + page_bytes <= file.size(); page += page_bytes)
        if (file[page] == 0x0d
            && static_cast<unsigned char>(file[page + 3]) * 256 + static_cast<unsigned char>(file[page + 4]) > many)
            return page;
    return file.size();
}

} // namespace

class TestSeals : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    Lab lab() const { return Lab(pathOf(m_folder)); }

    /// A finished run of a few pages, with some of every table.
    RunRecord finishedRun()
    {
        Lab opened = lab();
        const Lab::NewRun made = opened.new_run("digits-nas");
        RunStore run(made.folder / "run.sqlite", RunStore::Mode::Writer);
        RunRecord record = recordIn(RunState::Running);
        record.final_loss = {0.25, 0.5};
        run.save(record);
        for (int batch = 0; batch < 10; ++batch)
            run.append(batch_for_test(batch));
        run.append(std::vector<MeasuredSpan>{{.rank = 0, .phase = 0, .step = 3, .index = 1, .start = 1.5, .end = 2.5}});
        run.append(std::vector<LogLine>{{.t = 0.5, .rank = 1, .text = "began"}});
        run.save_document("spec", std::string(9000, 's'));
        record.state = RunState::Finished;
        run.save(record);
        run.finish();
        return opened.run(made.id);
    }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void aRunAsItWasSealedHasNoDamage()
    {
        const RunRecord run = finishedRun();
        QVERIFY(fs::exists(run.folder / "seal.json"));
        QCOMPARE(damage_of(run), std::string());
        QCOMPARE(damage_warning(run), std::string());
    }

    void aFlippedBitAnywhereIsFound() // S6
    {
        const RunRecord run = finishedRun();
        const fs::path file = run.folder / "run.sqlite";
        const std::string whole = read_file(file);
        const auto seed = static_cast<std::uint64_t>(QDateTime::currentMSecsSinceEpoch());
        const int flips = std::max(40, qEnvironmentVariableIntValue("PIPEBD_TEST_FLIPS"));
        qInfo("seed %llu, %d bits", static_cast<unsigned long long>(seed), flips);
        for (int i = 0; i < flips; ++i) {
            const std::uint64_t bit = draw({seed, static_cast<std::uint64_t>(i)}) % (whole.size() * 8);
            flip(file, bit);
            QVERIFY2(!damage_of(run).empty(), qPrintable(QStringLiteral("bit %1").arg(bit)));
            replace_file(file, std::string_view(whole));
        }
        QCOMPARE(damage_of(run), std::string());
    }

    void aFlippedBitWhereNoRowIsIsFoundBySealOfTheFile()
    {
        const RunRecord run = finishedRun();
        constexpr std::uint64_t reserved_for_expansion = 72; // of SQLite's header; no reader looks there
        flip(run.folder / "run.sqlite", 8 * reserved_for_expansion);
        QVERIFY(damage_of(run).find("its file is not the one that was sealed") != std::string::npos);
    }

    void aRunSealedBeforeFilesWereSealedIsCheckedByItsRows()
    {
        const RunRecord run = finishedRun();
        fs::remove(run.folder / "seal.json");
        QCOMPARE(damage_of(run), std::string());
        runSql(run.folder / "run.sqlite", "UPDATE sample SET value = value + 1 WHERE id = 7");
        QVERIFY(damage_of(run).find("checksum differs") != std::string::npos);
    }

    void aRunThatGoesOnAndOneThatStoredNothingAreLetBe()
    {
        Lab opened = lab();
        const fs::path folder = opened.new_run("live").folder;
        const RunLock lock(folder);
        RunStore run(folder / "run.sqlite", RunStore::Mode::Writer);
        run.save(recordIn(RunState::Running));
        QCOMPARE(damage_of(opened.run(1)), std::string());
        RunRecord lost = recordIn(RunState::Lost);
        lost.folder = pathOf(m_folder) / "nothing";
        QCOMPARE(damage_of(lost), std::string());
    }

    void aCopyIsSealedAsItsRunIs()
    {
        const RunRecord run = finishedRun();
        QTemporaryDir other;
        Lab there(pathOf(other));
        copy_run(run, there.folder() / "runs");
        const RunRecord copied = there.run(run.id);
        QVERIFY(fs::exists(copied.folder / "seal.json"));
        QCOMPARE(damage_of(copied), std::string());

        flip(run.folder / "run.sqlite", 8 * 72);
        QTemporaryDir third;
        QVERIFY(!fs::exists(copy_run(run, pathOf(third)) / "seal.json")); // what is damaged is not sealed as if it were whole
    }

    void aRunThatEndedWhileItWasReadIsSealedOnceItIsNot()
    {
        Lab opened = lab();
        const fs::path folder = opened.new_run("read").folder;
        const fs::path file = folder / "run.sqlite";
        std::optional<RunStore> reader;
        {
            const RunLock lock(folder);
            RunStore run(file, RunStore::Mode::Writer);
            run.save(recordIn(RunState::Running));
            run.append(batch_for_test(0));
            reader.emplace(file, RunStore::Mode::ReadOnly);
            std::int64_t after = 0;
            QCOMPARE(reader->new_samples(after).size(), std::size_t{samples_in_batch});
            run.save(recordIn(RunState::Finished));
            run.finish();
        }
        QVERIFY(!fs::exists(folder / "seal.json"));
        reader.reset();
        QVERIFY(opened.run(1).state == RunState::Finished);
        QVERIFY(fs::exists(folder / "seal.json"));
        QCOMPARE(damage_of(opened.run(1)), std::string());
        QCOMPARE(RunStore(file, RunStore::Mode::ReadOnly).check(), "ok");
    }

    void aDamagedRunIsRepairedWithAllThatCanBeRead()
    {
        const RunRecord run = finishedRun();
        const fs::path file = run.folder / "run.sqlite";
        const std::string whole = read_file(file);
        std::string broken = whole;
        broken.replace(page_of_samples(whole), page_bytes, std::string(page_bytes, '\xff'));
        replace_file(file, std::string_view(broken));
        QVERIFY(!damage_of(run).empty());

        const Repair repair = repair_run(run);

        QVERIFY(read_file(repair.damaged) == broken);
        const RunRecord saved = lab().run(run.id);
        QCOMPARE(damage_of(saved), std::string());
        QVERIFY(saved.state == RunState::Finished);
        QCOMPARE(saved.final_loss, run.final_loss);
        const RunStore store(file, RunStore::Mode::ReadOnly);
        QCOMPARE(store.document("spec"), std::string(9000, 's'));
        QVERIFY(store.document("repair").find("saved: its record") != std::string::npos);
        std::int64_t after = 0;
        const std::size_t samples = store.new_samples(after).size();
        qInfo("%zu of 1000 samples", samples);
        QVERIFY(samples >= 500 && samples < 1000);
        QVERIFY(!repair.lost.empty());
    }

    void aDatabaseThatCannotBeOpenedIsReplacedByWhatIsBesideIt()
    {
        const RunRecord run = finishedRun();
        replace_file(run.folder / "run.sqlite", std::string_view("this is no database"));
        replace_file(run.folder / "spec.json", std::string_view("{}"));
        const RunRecord broken = lab().run(run.id);
        QVERIFY(broken.state == RunState::Failed);
        const Repair repair = repair_run(broken);
        QVERIFY(!repair.lost.empty());
        const RunRecord saved = lab().run(run.id);
        QVERIFY(saved.state == RunState::Failed);
        QVERIFY(saved.error.find("damaged") != std::string::npos);
        QCOMPARE(saved.name, "digits-nas");
        QCOMPARE(RunStore(run.folder / "run.sqlite", RunStore::Mode::ReadOnly).document("spec"), "{}");
    }

    void aRunThatIsWrittenIsNotRepaired()
    {
        const RunRecord run = finishedRun();
        flip(run.folder / "run.sqlite", 8 * 72);
        const RunLock lock(run.folder);
        QVERIFY(errorOf([&] { repair_run(run); }) == Code::Locked);
        QVERIFY(!fs::exists(run.folder / "run.sqlite.damaged"));
    }

    void unfinishedCheckpointsOfRunsThatEndedAreRemoved()
    {
        const RunRecord ended = finishedRun();
        const fs::path partial = ended.folder / "checkpoints" / ".round-000000004.partial";
        const fs::path kept = ended.folder / "checkpoints" / "round-000000002";
        Lab opened = lab();
        const fs::path live = opened.new_run("live").folder / "checkpoints" / ".round-000000001.partial";
        for (const fs::path& folder : {partial, kept, live})
            fs::create_directories(folder);
        const RunLock lock(live.parent_path().parent_path());
        QCOMPARE(remove_leftovers(opened.runs()), std::size_t{1});
        QVERIFY(!fs::exists(partial) && fs::exists(kept) && fs::exists(live));
    }
};

QTEST_GUILESS_MAIN(TestSeals)
#include "test_seals.moc"
