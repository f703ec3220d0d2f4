#include "gui/lab/pipebd_process.h"
#include "gui_testing.h"

#include <QRegularExpression>
#include <QSignalSpy>

namespace pipebd::gui {

using namespace std::chrono_literals;

class PipebdProcessTest : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        failOnAnyWarning();
        qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
        qunsetenv("FAKE_MODE");
        qunsetenv("FAKE_COMMAND");
    }
    void whatItAnswersComesWhole();
    void progressAndNotesAreHeard();
    void whateverGoesWrongIsOneLine_data();
    void whateverGoesWrongIsOneLine();
    void anAnswerThatIsGarbageIsLeftToWhoAsked();
    void aProgramThatIsNotThereIsAnError();
    void aFloodDoesNotBlockTheWindow();
    void oneThatStallsCanBeCancelled();
    void whoIsGoneIsToldNothing();
    void aFurtherStartReplacesTheOneBefore();
};

namespace {

struct Heard {
    explicit Heard(PipebdProcess& process)
        : finished(&process, &PipebdProcess::finished)
        , failed(&process, &PipebdProcess::failed)
        , cancelled(&process, &PipebdProcess::cancelled)
        , progressed(&process, &PipebdProcess::progressed)
        , noted(&process, &PipebdProcess::noted)
    {
    }
    qsizetype ends() const { return finished.size() + failed.size() + cancelled.size(); }

    QSignalSpy finished, failed, cancelled, progressed, noted;
};

const QStringList list{"pairs", "list", "--json", "--lab", "/nowhere"};

} // namespace

void PipebdProcessTest::whatItAnswersComesWhole()
{
    PipebdProcess process;
    Heard heard(process);
    process.start(list);
    QVERIFY(process.isRunning());
    QTRY_COMPARE(heard.ends(), 1);
    QVERIFY(heard.finished.value(0).value(0).toByteArray().startsWith("[{\"name\":\"nas-digits\""));
    QVERIFY(!process.isRunning());
}

void PipebdProcessTest::progressAndNotesAreHeard()
{
    TestLab lab;
    PipebdProcess process;
    Heard heard(process);
    process.start({"pairs", "import", "--name", "x", "--lab", lab.file(".")});
    QTRY_COMPARE(heard.ends(), 1);
    QCOMPARE(heard.noted.value(0).value(0).toString(), QStringLiteral("opening and testing the models"));
    QCOMPARE(heard.progressed.value(0).value(0).toDouble(), 0.5);
    QCOMPARE(heard.progressed.value(0).value(1).toString(), QStringLiteral("student"));
}

void PipebdProcessTest::whateverGoesWrongIsOneLine_data() // I6
{
    QTest::addColumn<QByteArray>("mode");
    QTest::addColumn<QString>("says");
    QTest::newRow("a line without an end") << QByteArray("endless") << "and was stopped";
    QTest::newRow("a flood") << QByteArray("flood") << "and was stopped";
    QTest::newRow("stalls") << QByteArray("stall") << "printed nothing for 0.3 s";
    QTest::newRow("dies") << QByteArray("signal") << "was killed or crashed";
    QTest::newRow("refuses") << QByteArray("error") << "the engine is not well: pipebd-engine; give it a rest";
}

void PipebdProcessTest::whateverGoesWrongIsOneLine()
{
    QFETCH(QByteArray, mode);
    QFETCH(QString, says);
    qputenv("FAKE_MODE", mode);
    PipebdProcess process;
    if (mode == "stall")
        process.setPatience(300ms);
    Heard heard(process);
    process.start(list);
    QTRY_COMPARE_WITH_TIMEOUT(heard.ends(), 1, 20000);
    const QString error = heard.failed.value(0).value(0).toString();
    QVERIFY2(error.contains(says) && !error.contains('\n'), qPrintable(error));

    qunsetenv("FAKE_MODE");
    process.setPatience(0ms);
    process.start(list);
    QTRY_COMPARE(heard.finished.size(), 1);
    QCOMPARE(heard.ends(), 2);
}

void PipebdProcessTest::anAnswerThatIsGarbageIsLeftToWhoAsked()
{
    for (const char* mode : {"garbage", "half"}) {
        qputenv("FAKE_MODE", mode);
        PipebdProcess process;
        Heard heard(process);
        process.start(list);
        QTRY_COMPARE(heard.ends(), 1);
        QCOMPARE(heard.finished.size(), 1);
        QVERIFY(heard.progressed.isEmpty());
    }
}

void PipebdProcessTest::aProgramThatIsNotThereIsAnError()
{
    qputenv("PIPEBD_PROGRAM", "/nowhere/pipebd");
    PipebdProcess process;
    Heard heard(process);
    process.start(list);
    QTRY_COMPARE(heard.ends(), 1);
    QVERIFY(heard.failed.value(0).value(0).toString().contains("PIPEBD_PROGRAM"));
}

void PipebdProcessTest::aFloodDoesNotBlockTheWindow() // U1
{
    qputenv("FAKE_MODE", "flood");
    PipebdProcess process;
    Heard heard(process);
    const Watchdog watchdog;
    process.start(list);
    QTRY_COMPARE_WITH_TIMEOUT(heard.failed.size(), 1, 20000);
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void PipebdProcessTest::oneThatStallsCanBeCancelled()
{
    qputenv("FAKE_MODE", "stall");
    PipebdProcess process;
    Heard heard(process);
    process.start(list);
    process.cancel();
    QTRY_COMPARE(heard.ends(), 1);
    QCOMPARE(heard.cancelled.size(), 1);
    process.cancel(); // nothing is going on
    QCOMPARE(heard.ends(), 1);
}

void PipebdProcessTest::whoIsGoneIsToldNothing()
{
    qputenv("FAKE_MODE", "stall");
    auto process = std::make_unique<PipebdProcess>();
    Heard heard(*process);
    process->start(list);
    process.reset();
    PipebdProcess other;
    Heard otherHeard(other);
    qunsetenv("FAKE_MODE");
    other.start(list);
    QTRY_COMPARE(otherHeard.finished.size(), 1);
    QCOMPARE(heard.ends(), 0);
}

void PipebdProcessTest::aFurtherStartReplacesTheOneBefore()
{
    PipebdProcess process;
    Heard heard(process);
    qputenv("FAKE_MODE", "stall");
    process.start(list);
    qunsetenv("FAKE_MODE");
    process.start(list);
    QTRY_COMPARE(heard.finished.size(), 1);
    QCOMPARE(heard.ends(), 1);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::PipebdProcessTest)
#include "test_pipebd_process.moc"
