// Imported pairs in a lab: kept whole or not at all, found by name whatever the name, and never outside the lab.
#include "store_testing.h"

#include "base/file.h"

#include <algorithm>

using namespace pipebd;
using namespace pipebd::store;

namespace {

/// Makes a pair of this name; its pair.json says `text`.
StoredPair keep(Lab& lab, const std::string& name, const std::string& text = "{}")
{
    PairDraft draft = lab.draft_pair();
    replace_file(draft.folder() / "pair.json", text);
    replace_file(draft.folder() / "teacher.pt2", "a graph");
    return lab.keep_pair(name, std::move(draft));
}

std::vector<std::string> namesIn(const fs::path& folder)
{
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

using Names = std::vector<std::string>;

/// A library as the first version of this program made it, with a run and a profile.
void makeFirstLibrary(const fs::path& lab)
{
    runSql(lab / "library.sqlite", R"(
        PRAGMA application_id = 0x5042444c;
        PRAGMA user_version = 1;
        CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL,
            creator TEXT NOT NULL) STRICT;
        CREATE TABLE profile (pair TEXT NOT NULL, batch INTEGER NOT NULL, dtype TEXT NOT NULL, devices TEXT NOT NULL,
            conditions TEXT NOT NULL, measured TEXT NOT NULL, json TEXT NOT NULL,
            PRIMARY KEY (pair, batch, dtype, devices, conditions)) STRICT;
        INSERT INTO run VALUES (6, '0006-old', 'old', '2026-01-31T09:05:00.250Z', '{}');)");
}

} // namespace

class TestStoredPairs : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path lab() const { return pathOf(m_folder) / "lab"; }
    fs::path pairs() const { return lab() / "pairs"; }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void aPairIsKeptWithItsFilesAndFoundByItsName()
    {
        Lab library(lab());
        const StoredPair kept = keep(library, "my pair", "{\"name\": \"my pair\"}");
        QCOMPARE(kept.folder, pairs() / "0001-my-pair");
        QCOMPARE(namesIn(kept.folder), (Names{"pair.json", "teacher.pt2"}));
        QCOMPARE(kept.sha256, sha256("{\"name\": \"my pair\"}"));
        QCOMPARE(namesIn(pairs()), Names{"0001-my-pair"});

        keep(library, "another");
        const Lab again(lab());
        QCOMPARE(again.pairs().size(), std::size_t{2});
        QCOMPARE(again.pairs()[0].name, "another");
        const std::optional<StoredPair> found = again.pair("my pair");
        QVERIFY(found && found->folder == kept.folder && found->sha256 == kept.sha256 && found->imported == kept.imported);
        QVERIFY(!again.pair("my-pair"));
        QCOMPARE(again.check(), "ok");
    }

    void aNameIsGivenOnce()
    {
        Lab library(lab());
        keep(library, "twice", "1");
        std::string line;
        QVERIFY(errorOf([&] { keep(library, "twice", "2"); }, &line) == Code::BadRequest);
        QCOMPARE(
            line, "a pair of this name already exists: 'twice'; choose another --name, or delete that pair: pipebd pairs delete");
        QCOMPARE(library.pair("twice")->sha256, sha256("1"));
        QCOMPARE(namesIn(pairs()), Names{"0001-twice"});
    }

    void aDeletedPairIsGoneAndItsFolderIsNotGivenAgain()
    {
        Lab library(lab());
        keep(library, "same");
        keep(library, "other");
        library.delete_pair("same");
        QVERIFY(!library.pair("same"));
        QCOMPARE(namesIn(pairs()), Names{"0002-other"});
        library.delete_pair("other");
        QCOMPARE(keep(library, "same").folder, pairs() / "0003-same");

        std::string line;
        QVERIFY(errorOf([&] { library.delete_pair("other"); }, &line) == Code::NotFound);
        QCOMPARE(line, "there is no imported pair of this name: 'other'; imported pairs: same");
        library.delete_pair("same");
        QVERIFY(errorOf([&] { library.delete_pair("other"); }, &line) == Code::NotFound);
        QCOMPARE(line, "there is no imported pair of this name: 'other'; no pairs were imported");
    }

    // I7
    void hostileNamesStayInTheLabAndAreFoundAsGiven_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::newRow("parent") << QByteArray("../../escape");
        QTest::newRow("absolute") << QByteArray("/etc/passwd");
        QTest::newRow("format") << QByteArray("%s%n%d");
        QTest::newRow("quotes") << QByteArray("'; DROP TABLE pair; --\"`");
        QTest::newRow("newline") << QByteArray("a\nb\tc\x01");
        QTest::newRow("right to left") << QByteArray("txt\u202Egnp.exe");
        QTest::newRow("dots") << QByteArray("..");
        QTest::newRow("a draft") << QByteArray(".new-1-0");
        QTest::newRow("long") << QByteArray("x").repeated(4000);
    }

    void hostileNamesStayInTheLabAndAreFoundAsGiven()
    {
        QFETCH(QByteArray, name);
        Lab library(lab());
        const StoredPair kept = keep(library, name.toStdString());

        QCOMPARE(fs::canonical(kept.folder).parent_path(), fs::canonical(pairs()));
        QVERIFY2(kept.folder.filename().string().starts_with("0001-"), kept.folder.c_str());
        QVERIFY(library.pair(name.toStdString())->folder == kept.folder);
        QCOMPARE(library.pairs()[0].name, name.toStdString());
        QCOMPARE(namesIn(pathOf(m_folder)), Names{"lab"});
        QCOMPARE(namesIn(lab()), (Names{"library.sqlite", "pairs", "runs"}));
        library.delete_pair(name.toStdString());
        QVERIFY(library.pairs().empty() && namesIn(pairs()).empty());
    }

    void aLibraryThatNamesAFolderElsewhereLeadsNowhere()
    {
        Lab library(lab());
        keep(library, "mine");
        for (const char* folder : {"..", "../../0001-mine", "/0001-mine", "", "mine"}) {
            runSql(lab() / "library.sqlite", std::string("UPDATE pair SET folder = '") + folder + "'");
            QVERIFY(errorOf([&] { library.pair("mine"); }) == Code::Damaged);
            QVERIFY(errorOf([&] { library.pairs(); }) == Code::Damaged);
            QVERIFY(errorOf([&] { library.delete_pair("mine"); }) == Code::Damaged);
        }
        QCOMPARE(namesIn(pairs()), Names{"0001-mine"});
    }

    void aDraftThatIsNotKeptLeavesNothing()
    {
        Lab library(lab());
        {
            const PairDraft draft = library.draft_pair();
            replace_file(draft.folder() / "teacher.pt2", "half");
            QVERIFY(library.pairs().empty());
        }
        QVERIFY(namesIn(pairs()).empty());
    }

    void aKilledImportIsNeverSeenAndItsFilesGoWithTheNextOne()
    {
        Helper maker({"draft", QString::fromStdString(lab().string())});
        const fs::path left = maker.line().toStdString();
        Lab library(lab());
        const PairDraft beside = library.draft_pair();
        QVERIFY2(fs::exists(left / "teacher.pt2"), "the draft of one who lives is let be");
        QVERIFY(beside.folder() != left);

        maker.kill();
        QVERIFY(library.pairs().empty() && fs::exists(left));
        keep(library, "next");
        QVERIFY(!fs::exists(left));
        QVERIFY(fs::exists(beside.folder()));
    }

    void aFolderThatWasLeftWithoutItsRowMakesRoom()
    {
        Lab library(lab());
        fs::create_directories(pairs() / "0001-mine" / "deep");
        const StoredPair kept = keep(library, "mine");
        QCOMPARE(namesIn(kept.folder), (Names{"pair.json", "teacher.pt2"}));
    }

    void whatCannotBeCommittedIsNotThere()
    {
        Lab library(lab());
        PairDraft draft = library.draft_pair();
        replace_file(draft.folder() / "pair.json", "{}");
        runSql(lab() / "library.sqlite",
            "CREATE TABLE absent (id INTEGER PRIMARY KEY); CREATE TABLE holds (id INTEGER REFERENCES absent DEFERRABLE INITIALLY "
            "DEFERRED); CREATE TRIGGER spoils AFTER INSERT ON pair BEGIN INSERT INTO holds VALUES (7); END");
        QVERIFY(errorOf([&] { library.keep_pair("never", std::move(draft)); }));
        QVERIFY(library.pairs().empty());
        QVERIFY(namesIn(pairs()).empty());
    }

    void aLabOfTheFirstVersionIsBroughtUpToDate() // S7
    {
        fs::create_directories(lab());
        makeFirstLibrary(lab());
        Lab library(lab());
        QVERIFY(library.pairs().empty());
        keep(library, "new");
        QCOMPARE(library.new_run("next").id, 7);
        QCOMPARE(library.check(), "ok");
        QCOMPARE(valueOf(lab() / "library.sqlite", "PRAGMA user_version"), "3");
        QCOMPARE(valueOf(lab() / "library.sqlite.v1.backup", "PRAGMA user_version"), "1");
        QCOMPARE(valueOf(lab() / "library.sqlite.v1.backup", "SELECT name FROM run"), "old");
    }
};

QTEST_GUILESS_MAIN(TestStoredPairs)
#include "test_stored_pairs.moc"
