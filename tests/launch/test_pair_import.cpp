// A pair is imported whole or not at all, whatever becomes of the engine that opens its models.
#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "launch/pair_import.h"
#include "supervised.h"

#include <QTemporaryDir>
#include <QTest>

#include <iterator>
#include <optional>
#include <thread>

using namespace pipebd;
using namespace pipebd::launch;

namespace fs = std::filesystem;

class TestPairImport : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::atomic<bool> m_cancel = false;

    fs::path path(const char* name) const { return m_folder.filePath(name).toStdString(); }

    PairImport given() const
    {
        PairImport import;
        import.name = "mine";
        import.teacher = {path("T.pt2"), "features.0-3,head"};
        import.student = {path("S.pt2"), ""};
        return import;
    }

    std::optional<Error> refused(const PairImport& import, const ImportLimits& limits = {})
    {
        try {
            store::Lab lab(path("lab"));
            import_pair(lab, import, m_cancel, limits);
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }

    /// Nothing of any import is in the lab.
    bool labIsEmpty() const
    {
        const store::Lab lab(path("lab"));
        return lab.pairs().empty() && (!fs::exists(path("lab") / "pairs") || fs::is_empty(path("lab") / "pairs"));
    }

private slots:
    void init()
    {
        qputenv("PIPEBD_ENGINE", FAKE_ENGINE);
        m_folder = QTemporaryDir();
        m_cancel = false;
        replace_file(path("T.pt2"), "model");
        replace_file(path("S.pt2"), "model");
    }

    void thePairIsInTheLabWithWhatTheEngineFound()
    {
        store::Lab lab(path("lab"));
        const ImportedPair imported = import_pair(lab, given(), m_cancel);

        const std::optional<store::StoredPair> stored = lab.pair("mine");
        QVERIFY(stored && stored->folder == imported.stored.folder);
        QCOMPARE(read_file(stored->folder / "pair.json"), imported.description);
        QCOMPARE(stored->sha256, sha256(imported.description));
        QCOMPARE(read_file(stored->folder / "teacher.pt2"), "model");
        QCOMPARE(read_file(stored->folder / "student.pt2"), "model");
        QCOMPARE(std::distance(fs::directory_iterator(stored->folder), {}), 3);
        QVERIFY(imported.description.find("features.0-3,head") != std::string::npos);
        QVERIFY(imported.description.find(sha256(std::string_view("model"))) != std::string::npos);
        QCOMPARE(imported.blocks.size(), std::size_t{1});
        QCOMPARE(imported.blocks[0].name, "features");
        QCOMPARE(imported.blocks[0].output_shape, (std::vector<std::int64_t>{8, 4, 4}));
        QCOMPARE(imported.blocks[0].without_gradient, std::vector<std::string>{"body.unused"});
    }

    void whatTheEngineRefusesIsSaidOfTheUsersFile()
    {
        replace_file(path("S.pt2"), "something else");
        const std::optional<Error> error = refused(given());
        QVERIFY(error && error->code() == Code::BadRequest);
        QCOMPARE(QByteArray(error->what()), QByteArray::fromStdString("this is no model: " + path("S.pt2").string()));
        QVERIFY(labIsEmpty());
    }

    void aNameThatIsTakenOrCannotBeIsRefused()
    {
        PairImport import = given();
        QVERIFY(!refused(import));
        QCOMPARE(QByteArray(refused(import)->what()),
            QByteArray("a pair of this name already exists: --name 'mine'; choose another name, or delete that pair: pipebd pairs "
                       "delete"));
        for (const std::string& name : {std::string(), std::string(201, 'x'), std::string("\xff\xfe")}) {
            import.name = name;
            QCOMPARE(refused(import)->problem(), "not a valid name for a pair");
        }
    }

    void aFileThatIsNotThereIsNamed()
    {
        PairImport import = given();
        import.student.file = path("nowhere.pt2");
        const std::optional<Error> error = refused(import);
        QVERIFY(error && error->code() == Code::NotFound);
        QCOMPARE(error->where(), path("nowhere.pt2").string());
        import.student.file = path("");
        QCOMPARE(refused(import)->problem(), "this is a folder, not a file");
        QVERIFY(labIsEmpty());
    }

    // I4
    void aDeadOrStuckEngineIsToldInWordsAndNothingIsLeft_data()
    {
        QTest::addColumn<QByteArray>("told");
        QTest::addColumn<Code>("code");
        QTest::addColumn<QByteArray>("what");
        QTest::newRow("crash") << QByteArray("in=import;do=kill:11") << Code::RankDied
                               << QByteArray("the engine that opened the models was killed by signal 11 (SIGSEGV)");
        QTest::newRow("abort") << QByteArray("in=import;do=kill:6") << Code::RankDied
                               << QByteArray("the engine that opened the models was killed by signal 6 (SIGABRT)");
        QTest::newRow("exit") << QByteArray("in=import;do=exit:3") << Code::RankDied
                              << QByteArray("the engine that opened the models ended with exit code 3 before it had finished");
        QTest::newRow("hang") << QByteArray("in=import;do=hang") << Code::TimedOut
                              << QByteArray("the engine that opened the models has made no progress for 0 s");
        QTest::newRow("endless") << QByteArray("in=import;do=endless") << Code::Protocol << QByteArray("a line is longer than");
        QTest::newRow("no answer") << QByteArray("in=import;answer=") << Code::Protocol
                                   << QByteArray("unexpected answer from the engine");
        QTest::newRow("another answer") << QByteArray(R"(answer={"format":"pipebd.import/1","blocks":[{"name":1}]})")
                                        << Code::Protocol << QByteArray("unexpected answer from the engine");
        QTest::newRow("a file elsewhere") << QByteArray(
            R"(answer={"format":"pipebd.import/1","blocks":[],"weights":{"teacher":"1","student":"2"},"pair":{"teacher":{"file":"../../T.pt2"}}})")
                                          << Code::Protocol << QByteArray("the engine's answer names an impossible file");
    }

    void aDeadOrStuckEngineIsToldInWordsAndNothingIsLeft()
    {
        QFETCH(QByteArray, told);
        QFETCH(Code, code);
        QFETCH(QByteArray, what);
        const Told directives(told);
        const std::optional<Error> error = refused(given(), {.silence = 200ms});
        QVERIFY(error);
        QVERIFY2(error->code() == code && QByteArray::fromStdString(error->problem()).startsWith(what), error->what());
        QVERIFY2(
            code == Code::Protocol || error->where() == path("T.pt2").string() + " and " + path("S.pt2").string(), error->what());
        QVERIFY(labIsEmpty());
    }

    void aProgramHasLessTime() // what makes progress is stopped as well
    {
        const Told directives("in=import;do=beat");
        PairImport import = given();
        import.trust = true;
        const std::optional<Error> error = refused(import, {.time_of_programs = 300ms});
        QVERIFY(error && error->code() == Code::TimedOut);
        QCOMPARE(error->problem(), "the engine that opened the models did not finish within 0 s");
        QVERIFY(labIsEmpty());
    }

    void aCancelledImportLeavesNothing()
    {
        m_cancel = true;
        QVERIFY(refused(given())->code() == Code::Cancelled);
        QVERIFY(labIsEmpty());
    }

    void theEngineHasLimits()
    {
        const Told directives("in=import;do=limits");
        const std::optional<Error> error = refused(given(), {.address_space = 1 << 30, .time = 100s});
        QVERIFY(error);
        const auto cores = std::max(1u, std::thread::hardware_concurrency());
        QCOMPARE(error->problem(),
            "cpu " + std::to_string(100 * cores) + ", file 0, core 0, space " + std::to_string((1 << 30) + 16 * 10));
    }
};

QTEST_GUILESS_MAIN(TestPairImport)
#include "test_pair_import.moc"
