// Lab: the list of runs, their numbers, and the profiles.
#include "store_testing.h"

#include <QElapsedTimer>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

#include <sched.h>
#include <sys/mount.h>

using namespace pipebd;
using namespace pipebd::store;

namespace {

schedule::Profile someProfile()
{
    schedule::Profile profile;
    profile.pair = "nas-digits";
    profile.device = "cpu";
    profile.batch = 64;
    profile.load = {{64, 0.5}};
    schedule::BlockProfile block;
    block.name = "stage0";
    block.teacher_forward = {{64, 1.5}};
    block.student_forward = {{64, 2.5}};
    block.student_backward = {{64, 5.25}};
    block.update = 0.125;
    profile.blocks = {block};
    return profile;
}

} // namespace

class TestLab : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void theDefaultLabIsWhatTheEnvironmentSays()
    {
        qputenv("HOME", "/home/someone");
        qunsetenv("PIPEBD_LAB");
        qunsetenv("XDG_DATA_HOME");
        QCOMPARE(default_lab(), fs::path("/home/someone/.local/share/pipebd"));
        qputenv("XDG_DATA_HOME", "relative/ones/are/ignored");
        QCOMPARE(default_lab(), fs::path("/home/someone/.local/share/pipebd"));
        qputenv("XDG_DATA_HOME", "/data");
        QCOMPARE(default_lab(), fs::path("/data/pipebd"));
        qputenv("PIPEBD_LAB", "/lab");
        QCOMPARE(default_lab(), fs::path("/lab"));
    }

    void aLabIsMadeWhereThereIsNoneAndFoundAgain()
    {
        const fs::path folder = pathOf(m_folder) / "a" / "b ü";
        Lab(folder).new_run("first");
        const Lab again(folder);
        QCOMPARE(again.folder(), folder);
        QCOMPARE(again.runs().size(), std::size_t{1});
        QCOMPARE(again.check(), "ok");
        std::string line;
        QVERIFY2(errorOf([&] { Lab{folder / "library.sqlite"}; }, &line) == Code::System, line.c_str());
    }

    void aLabMayBeAnywhere_data() // S12
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("link"); // to `name`, and then used instead of it
        QTest::newRow("spaces and signs") << " a lab #1, 50%? 'q\"&;* " << QString();
        QTest::newRow("UTF-8") << QString::fromUtf8("\u00fcn\u00ef/\u6a21\u578b/\U0001F600") << QString();
        QTest::newRow("300 characters") << QString("123456789/").repeated(30) << QString();
        QTest::newRow("a name of 255") << QString(255, 'n') << QString();
        QTest::newRow("a symbolic link") << "real"
                                         << "link";
    }

    void aLabMayBeAnywhere()
    {
        QFETCH(QString, name);
        QFETCH(QString, link);
        fs::path folder = pathOf(m_folder) / name.toStdString();
        if (!link.isEmpty()) {
            const fs::path target = std::exchange(folder, pathOf(m_folder) / link.toStdString());
            fs::create_directory(target);
            fs::create_directory_symlink(target, folder);
        }
        Lab lab(folder);
        const Lab::NewRun run = lab.new_run("anywhere");
        makeFinishedRun(run.folder / "run.sqlite");
        QCOMPARE(Lab(folder).run(run.id).state, RunState::Finished);
        QCOMPARE(RunStore(run.folder / "run.sqlite", RunStore::Mode::ReadOnly).check(), "ok");
    }

    void aLabThatCannotBeIsRefusedInOneLineThatNamesIt_data() // S12
    {
        QTest::addColumn<QString>("name");
        QTest::newRow("a name of 256") << QString(256, 'n');
        QTest::newRow("a path of 5000") << QString("123456789/").repeated(500);
        QTest::newRow("longer than SQLite takes") << QString("123456789/").repeated(60);
        QTest::newRow("below a file") << "file/lab";
        QTest::newRow("a link to itself") << "loop";
        QTest::newRow("a link to nothing") << "link to nothing";
    }

    void aLabThatCannotBeIsRefusedInOneLineThatNamesIt()
    {
        QFETCH(QString, name);
        std::ofstream(pathOf(m_folder) / "file") << "a file\n";
        fs::create_symlink("loop", pathOf(m_folder) / "loop");
        fs::create_symlink("nothing", pathOf(m_folder) / "link to nothing");
        const fs::path folder = pathOf(m_folder) / name.toStdString();
        std::string line;
        const std::optional<Code> refused = errorOf([&] { Lab(folder).new_run("nowhere"); }, &line);
        QVERIFY2(refused == Code::System || refused == Code::NotFound, line.c_str());
        QVERIFY2(line.find(name.left(4).toStdString()) != std::string::npos && line.find('\n') == std::string::npos, line.c_str());
    }

    void aReadOnlyLabIsReadAndWhatWouldChangeItIsRefusedInOneLine() // S12
    {
        const fs::path folder = pathOf(m_folder) / "lab";
        fs::path run;
        {
            Lab lab(folder);
            run = lab.new_run("kept").folder / "run.sqlite";
            makeFinishedRun(run);
        }
        const bool mounted = unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
            && mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0
            && mount(nullptr, folder.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
        if (!mounted)
            QSKIP("this user may not mount a file system read-only");
        std::string line;
        std::vector<RunRecord> runs;
        const std::optional<Code> unlisted = errorOf([&] { runs = Lab(folder).runs(); });
        const std::optional<Code> refused = errorOf([&] { Lab(folder).new_run("another"); }, &line);
        std::string read;
        const std::optional<Code> unread = errorOf([&] { read = RunStore(run, RunStore::Mode::ReadOnly).check(); });
        umount2(folder.c_str(), MNT_DETACH);

        QVERIFY(!unlisted);
        QCOMPARE(runs.size(), std::size_t{1});
        QVERIFY(refused == Code::System);
        QVERIFY2(line.find(folder.string()) != std::string::npos, line.c_str());
        QVERIFY(!unread);
        QCOMPARE(read, "ok");
    }

    void runIdsAreUniqueAcrossProcesses()
    {
        constexpr int makers = 4;
        constexpr int runsEach = 12;
        std::vector<std::unique_ptr<Helper>> helpers;
        for (int maker = 0; maker < makers; ++maker)
            helpers.push_back(std::make_unique<Helper>(QStringList{"new-runs", m_folder.path(), QString::number(runsEach)}));
        for (const auto& helper : helpers)
            QCOMPARE(helper->line(), "ready");
        for (const auto& helper : helpers)
            helper->endInput();
        std::multiset<int> ids;
        for (const auto& helper : helpers)
            for (int run = 0; run < runsEach; ++run)
                ids.insert(helper->line().toInt());

        std::multiset<int> expected;
        for (int id = 1; id <= makers * runsEach; ++id)
            expected.insert(id);
        QCOMPARE(ids, expected);
        for (const auto& helper : helpers)
            QVERIFY(helper->endsWell());
        QCOMPARE(std::distance(fs::directory_iterator(pathOf(m_folder) / "runs"), {}), makers * runsEach);
        QCOMPARE(Lab(pathOf(m_folder)).check(), "ok");
    }

    void aFolderIsThereOnlyOnceTheLibraryTellsWhoMakesIt()
    {
        Lab(pathOf(m_folder)).new_run("first");
        SQLite::Database reader((pathOf(m_folder) / "library.sqlite").string(), SQLite::OPEN_READONLY);
        reader.exec("BEGIN");
        reader.execAndGet("SELECT count(*) FROM run"); // from here on nothing can be committed
        std::thread maker([&] { Lab(pathOf(m_folder)).new_run("second"); });
        QTRY_VERIFY(fs::exists(pathOf(m_folder) / "library.sqlite-journal"));
        const auto folders = std::distance(fs::directory_iterator(pathOf(m_folder) / "runs"), {});
        reader.exec("END");
        maker.join();
        QCOMPARE(folders, 1);
        QCOMPARE(Lab(pathOf(m_folder)).runs().front().state, RunState::Queued);
    }

    void theNumberOfADeletedRunIsNotGivenAgainAndThatOfACopiedOneNeither()
    {
        Lab lab(pathOf(m_folder));
        fs::remove(lab.new_run("one").folder);
        QCOMPARE(lab.new_run("two").id, 2);
        fs::create_directory(lab.folder() / "runs" / "0040-copied-here");
        QCOMPARE(lab.new_run("three").id, 41);
    }

    // I7
    void hostileNamesStayInTheLabAndAreShownAsGiven_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::newRow("parent") << QByteArray("../../escape");
        QTest::newRow("absolute") << QByteArray("/etc/passwd");
        QTest::newRow("format") << QByteArray("%s%n%d");
        QTest::newRow("quotes") << QByteArray("'; DROP TABLE run; --\"`");
        QTest::newRow("newline") << QByteArray("a\nb\tc\x01");
        QTest::newRow("right to left") << QByteArray("txt\u202Egnp.exe");
        QTest::newRow("dots") << QByteArray("..");
        QTest::newRow("empty") << QByteArray("");
        QTest::newRow("long") << QByteArray("x").repeated(4000);
        QTest::newRow("glob and pipes") << QByteArray("* ? | & ; $HOME `id`");
    }

    void hostileNamesStayInTheLabAndAreShownAsGiven()
    {
        QFETCH(QByteArray, name);
        Lab lab(pathOf(m_folder));
        const Lab::NewRun made = lab.new_run(name.toStdString());

        const std::string folder = made.folder.filename().string();
        QCOMPARE(fs::canonical(made.folder).parent_path(), fs::canonical(lab.folder() / "runs"));
        QVERIFY2(folder.starts_with("0001-") && folder.size() <= 65, folder.c_str());
        QVERIFY2(folder.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == std::string::npos,
            folder.c_str());
        RunRecord record = recordIn(RunState::Finished);
        record.name = name.toStdString();
        {
            RunStore(made.folder / "run.sqlite", RunStore::Mode::Writer).save(record);
        }
        if (!name.isEmpty())
            QCOMPARE(lab.run(1).name, record.name);
        QCOMPARE(std::distance(fs::directory_iterator(pathOf(m_folder)), {}), 2); // library.sqlite, runs
        QCOMPARE(lab.check(), "ok");
    }

    void aProfileIsFoundByAllThatItWasMeasuredForAndReplaced()
    {
        Lab lab(pathOf(m_folder));
        const ProfileKey key{"nas-digits", 64, "float32", "cpu,cpu"};
        QVERIFY(!lab.profile(key));
        lab.save_profile(key, someProfile());
        schedule::Profile slower = someProfile();
        slower.blocks[0].update = 0.25;
        lab.save_profile(key, slower);

        const std::optional<schedule::Profile> found = Lab(pathOf(m_folder)).profile(key);
        QVERIFY(found);
        QCOMPARE(schedule::to_json(*found), schedule::to_json(slower));
        QVERIFY(!lab.profile({"nas-digits", 32, "float32", "cpu,cpu"}));
        QVERIFY(!lab.profile({"nas-digits", 64, "bfloat16", "cpu,cpu"}));
        QVERIFY(!lab.profile({"nas-digits", 64, "float32", "cpu"}));
        QVERIFY(!lab.profile({"other", 64, "float32", "cpu,cpu"}));
        QVERIFY(!lab.profile({"nas-digits", 64, "float32", "cpu,cpu", "adam"}));
    }

    void profilesAreListedByWhatTheyWereMeasuredForAndDeletedById()
    {
        Lab lab(pathOf(m_folder));
        QVERIFY(lab.profiles().empty());
        const ProfileKey two{"nas-digits", 64, "float32", "cpu,cpu", "sgd"};
        const ProfileKey one{"nas-digits", 64, "float32", "cpu", "sgd"};
        for (const ProfileKey& key : {two, one, two}) // the last replaces the first, and keeps its id
            lab.save_profile(key, someProfile());

        const std::vector<StoredProfile> profiles = lab.profiles();
        QCOMPARE(profiles.size(), std::size_t{2});
        QVERIFY(profiles[0].key == one && profiles[1].key == two);
        QCOMPARE(profiles[1].id, profile_id(two));
        QCOMPARE(profiles[1].id.size(), std::size_t{8});
        QVERIFY(profiles[0].id != profiles[1].id);
        QCOMPARE(profiles[1].device, std::string("cpu"));
        QVERIFY(profiles[1].measured.ends_with("Z"));

        lab.delete_profile(profiles[1].id);
        QVERIFY(!lab.profile(two) && lab.profile(one));
        try {
            lab.delete_profile(profiles[1].id);
            QFAIL("it was deleted twice");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::NotFound);
            QCOMPARE(error.problem(), "there is no profile '" + profiles[1].id + "'");
            QCOMPARE(error.remedy(), "existing profiles: " + profiles[0].id);
        }
    }

    void anImportedProfileKeepsItsDeviceAndSaysWhereItIsFrom()
    {
        Lab lab(pathOf(m_folder));
        schedule::Profile elsewhere = someProfile();
        elsewhere.device = "NVIDIA RTX A6000";
        const StoredProfile stored = lab.import_profile(elsewhere, "a6000.json");
        QCOMPARE(stored.key.devices, std::string("NVIDIA RTX A6000"));
        QCOMPARE(stored.key.conditions, std::string("imported from a6000.json"));
        QCOMPARE(stored.device, std::string("NVIDIA RTX A6000"));
        QCOMPARE(schedule::to_json(*lab.profile(stored.key)), schedule::to_json(elsewhere));
        elsewhere.blocks[0].update = 3;
        QCOMPARE(lab.import_profile(elsewhere, "a6000.json").id, stored.id);
        QCOMPARE(lab.profiles().size(), std::size_t{1});
    }

    void aProfileThatCannotBeReadIsListedAllTheSame()
    {
        const ProfileKey key{"nas-digits", 64, "float32", "cpu"};
        Lab(pathOf(m_folder)).save_profile(key, someProfile());
        runSql(pathOf(m_folder) / "library.sqlite", "UPDATE profile SET json = 'no JSON';");
        const Lab lab(pathOf(m_folder));
        QCOMPARE(lab.profiles().size(), std::size_t{1});
        QCOMPARE(lab.profiles()[0].device, std::string());
        QVERIFY_THROWS_EXCEPTION(Error, lab.profile(key));
    }

    void runsAreListedNewestFirstAndAnUnknownOneNamesThoseThatAre()
    {
        Lab lab(pathOf(m_folder));
        std::string line;
        QVERIFY(errorOf([&] { lab.run(1); }, &line) == Code::NotFound);
        for (const char* name : {"one", "two", "three"})
            makeFinishedRun(lab.new_run(name).folder / "run.sqlite");
        fs::create_directory(lab.folder() / "runs" / "notes");

        const std::vector<RunRecord> runs = lab.runs();
        QCOMPARE(runs.size(), std::size_t{3});
        QCOMPARE(runs[0].id, 3);
        QCOMPARE(runs[2].id, 1);
        QCOMPARE(runs[0].folder, lab.folder() / "runs" / "0003-three");
        QCOMPARE(runs[0].name, "digits-nas");
        QVERIFY(errorOf([&] { lab.run(9); }, &line) == Code::NotFound);
        QVERIFY2(line.find("existing runs: 1, 2, 3") != std::string::npos, line.c_str());
    }

    void aRunThatCannotBeReadNeverHidesTheOthers()
    {
        Lab lab(pathOf(m_folder));
        makeFinishedRun(lab.new_run("good").folder / "run.sqlite");
        const fs::path newer = lab.new_run("newer").folder / "run.sqlite";
        makeFinishedRun(newer);
        runSql(newer, "PRAGMA user_version = 7");
        const fs::path odd = lab.new_run("odd").folder / "run.sqlite";
        makeFinishedRun(odd);
        runSql(odd, "UPDATE record SET json = '{\"state\": \"asleep\"}'");
        const fs::path noJson = lab.new_run("no json").folder / "run.sqlite";
        makeFinishedRun(noJson);
        runSql(noJson, "UPDATE record SET json = '[' ");

        const std::vector<RunRecord> runs = lab.runs();
        QCOMPARE(runs.size(), std::size_t{4});
        for (int index = 0; index < 3; ++index) {
            QVERIFY(runs[static_cast<std::size_t>(index)].state == RunState::Failed);
            QCOMPARE(runs[static_cast<std::size_t>(index)].id, 4 - index);
        }
        QVERIFY2(runs[0].error.find("damaged") != std::string::npos, runs[0].error.c_str());
        QCOMPARE(runs[0].name, "no-json");
        QVERIFY2(runs[1].error.find("asleep") != std::string::npos, runs[1].error.c_str());
        QVERIFY2(runs[2].error.find("later version") != std::string::npos, runs[2].error.c_str());
        QVERIFY(runs[3].state == RunState::Finished);
    }

    void aRunFolderCopiedToAnotherLabIsARunThere()
    {
        Lab lab(pathOf(m_folder));
        const Lab::NewRun made = lab.new_run("mine");
        makeFinishedRun(made.folder / "run.sqlite");
        const QTemporaryDir other;
        const Lab there(pathOf(other));
        fs::copy(made.folder, there.folder() / "runs" / "0012-mine");
        QVERIFY(there.run(12).state == RunState::Finished);
        QCOMPARE(RunStore(there.run(12).folder / "run.sqlite", RunStore::Mode::ReadOnly).check(), "ok");
    }

    // S8, the list
    void aHundredRunsAreListedWithinAFifthOfASecond()
    {
        Lab lab(pathOf(m_folder));
        makeFinishedRun(lab.new_run("run").folder / "run.sqlite");
        for (int run = 2; run <= 100; ++run)
            fs::copy(lab.folder() / "runs" / "0001-run", lab.folder() / "runs" / QString::asprintf("%04d-run", run).toStdString());
        qint64 fastest = 1'000'000;
        for (int round = 0; round < 5; ++round) {
            QElapsedTimer timer;
            timer.start();
            QCOMPARE(lab.runs().size(), std::size_t{100});
            fastest = std::min(fastest, timer.elapsed());
        }
        qInfo("100 runs listed in %lld ms", fastest);
        QVERIFY(fastest <= 200);
    }
};

QTEST_GUILESS_MAIN(TestLab)
#include "test_lab.moc"
