// Tags and notes of runs: kept in the library, whatever becomes of the runs' own files.
#include "store_testing.h"

#include <array>

using namespace pipebd;
using namespace pipebd::store;

class TestAnnotations : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path file(const char* name) const { return pathOf(m_folder) / name; }
    static int newRun(Lab& lab) { return lab.new_run("digits").id; }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void tagsAndNotesAreKept()
    {
        Lab lab(pathOf(m_folder));
        const int one = newRun(lab);
        const int two = newRun(lab);
        lab.set_tags(one, std::array<std::string, 3>{"paper", "Good", "paper"});
        lab.set_note(one, "first line\nsecond; 'quoted' %s");
        lab.set_note(two, "kept");
        lab.set_note(two, "");

        const std::map<int, Annotation> all = Lab(pathOf(m_folder)).annotations();
        QVERIFY(all.at(one) == (Annotation{{"Good", "paper"}, "first line\nsecond; 'quoted' %s", ""}));
        QVERIFY(all.at(two) == Annotation());
        QVERIFY(lab.annotation(one) == all.at(one));
    }

    void tagsAreChangedWithoutTouchingTheOthers()
    {
        Lab lab(pathOf(m_folder));
        const int run = newRun(lab);
        lab.set_tags(run, std::array<std::string, 2>{"a", "b"});
        Lab other(pathOf(m_folder));
        other.change_tags(run, std::array<std::string, 2>{"c", "d"}, std::array<std::string, 2>{"a", "none"});
        QCOMPARE(lab.annotation(run).tags, std::vector<std::string>({"b", "c", "d"}));
        lab.set_tags(run, {});
        QVERIFY(lab.annotation(run) == Annotation());
    }

    void whatCanBeNoTagIsRefused_data()
    {
        QTest::addColumn<QByteArray>("tag");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("comma") << QByteArray("a,b");
        QTest::newRow("newline") << QByteArray("a\nb");
        QTest::newRow("right to left") << QByteArray("a\u202Eb");
        QTest::newRow("not UTF-8") << QByteArray("\xff");
        QTest::newRow("space before") << QByteArray(" a");
        QTest::newRow("space behind") << QByteArray("a ");
        QTest::newRow("long") << QByteArray(101, 'x');
    }

    void whatCanBeNoTagIsRefused()
    {
        QFETCH(QByteArray, tag);
        Lab lab(pathOf(m_folder));
        const int run = newRun(lab);
        lab.set_tags(run, std::array<std::string, 1>{"kept"});
        const std::array<std::string, 2> tags = {"new", tag.toStdString()};
        QVERIFY(errorOf([&] { lab.set_tags(run, tags); }) == Code::BadRequest);
        QVERIFY(errorOf([&] { lab.change_tags(run, tags, {}); }) == Code::BadRequest);
        QCOMPARE(lab.annotation(run).tags, std::vector<std::string>({"kept"}));
    }

    void aRunThatIsNotThereIsNotAnnotated()
    {
        Lab lab(pathOf(m_folder));
        QVERIFY(errorOf([&] { lab.set_note(4, "x"); }) == Code::NotFound);
        QVERIFY(errorOf([&] { lab.annotation(4); }) == Code::NotFound);
        QVERIFY(errorOf([&] { lab.set_note(newRun(lab), "\xff"); }) == Code::BadRequest);
    }

    void aFolderThatWasCopiedHereIsAnnotatedTooAndDoesNotInherit()
    {
        Lab lab(pathOf(m_folder));
        const fs::path runs = lab.folder() / "runs";
        newRun(lab);
        fs::copy(runs / "0001-digits", runs / "0009-copied");
        lab.set_note(9, "of the copy");
        QCOMPARE(lab.annotation(9).note, "of the copy");

        fs::rename(runs / "0009-copied", pathOf(m_folder) / "away");
        QVERIFY(!lab.annotations().contains(9));
        fs::copy(runs / "0001-digits", runs / "0009-another");
        QVERIFY(!lab.annotations().contains(9));
        QVERIFY(lab.annotation(9) == Annotation());
        fs::remove_all(runs / "0009-another");
        fs::rename(pathOf(m_folder) / "away", runs / "0009-copied");
        QCOMPARE(lab.annotations().at(9).note, "of the copy");
    }

    void anotherConnectionsChangesAreSeenByTheirVersion()
    {
        const Lab watching(pathOf(m_folder));
        Lab changing(pathOf(m_folder));
        const int run = newRun(changing);
        const std::int64_t before = watching.annotations_version();
        QCOMPARE(watching.annotations_version(), before);
        changing.set_note(run, "new");
        QVERIFY(watching.annotations_version() != before);
        QCOMPARE(watching.annotations().at(run).note, "new");
    }

    void aLibraryOfTheSecondVersionIsBroughtUpToDate() // S7
    {
        fs::create_directories(pathOf(m_folder) / "runs" / "0007-old");
        runSql(file("library.sqlite"), R"(
            PRAGMA application_id = 0x5042444c;
            PRAGMA user_version = 2;
            CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL,
                creator TEXT NOT NULL) STRICT;
            CREATE TABLE profile (pair TEXT NOT NULL, batch INTEGER NOT NULL, dtype TEXT NOT NULL, devices TEXT NOT NULL,
                conditions TEXT NOT NULL, measured TEXT NOT NULL, json TEXT NOT NULL,
                PRIMARY KEY (pair, batch, dtype, devices, conditions)) STRICT;
            CREATE TABLE pair (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, folder TEXT NOT NULL,
                imported TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT;
            INSERT INTO run VALUES (7, '0007-old', 'old', '2026-01-31T09:05:00.250Z', '{}');
            INSERT INTO pair VALUES (3, 'mine', '0003-mine', '2026-01-31T09:05:00.250Z', 'abc');
        )");

        Lab lab(pathOf(m_folder));
        QCOMPARE(lab.pairs().at(0).name, "mine");
        QVERIFY(lab.annotations().empty());
        lab.set_note(7, "still here");
        QCOMPARE(lab.annotation(7).note, "still here");
        QCOMPARE(lab.new_run("next").id, 8);
        QCOMPARE(lab.check(), "ok");
        QCOMPARE(valueOf(file("library.sqlite"), "PRAGMA user_version"), "3");
        QCOMPARE(valueOf(file("library.sqlite.v2.backup"), "PRAGMA user_version"), "2");
    }
};

QTEST_GUILESS_MAIN(TestAnnotations)
#include "test_annotations.moc"
