#include "gui/lab/lab_follower.h"
#include "gui/lab/run_follower.h"
#include "gui_testing.h"

#include <QSignalSpy>

#include <fstream>

namespace pipebd::gui {

using store::RunState;

class FollowingTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void allSamplesOfALiveRunArriveOnceAndInOrder();
    void aLongRunArrivesWithoutHoldingUpTheWindow();
    void aRunWithoutADatabaseIsFollowedFromItsFirstSample();
    void everyLogLineArrivesOnce();
    void theBatchOfTheExperimentIsKnown();
    void aRunOfAnotherHostIsNotTakenForLost();
    void aFileThatIsNoRunIsReported();
    void newRunsAppearInTheList();
};

namespace {

// What a follower has delivered.
struct Received {
    explicit Received(RunFollower& follower)
    {
        QObject::connect(&follower, &RunFollower::updated, [this](const RunUpdate& update) {
            for (const auto& [series, points] : update.points)
                for (const SeriesPoint& point : points)
                    steps[series].push_back(point.step);
            for (const store::LogLine& line : update.log)
                log << QString::fromStdString(line.text);
            if (update.record)
                record = *update.record;
            if (update.batch)
                batch = *update.batch;
            caughtUp |= update.caughtUp;
        });
        QObject::connect(&follower, &RunFollower::failed, [this](const QString& text) { error = text; });
    }

    std::map<store::Series, std::vector<double>> steps;
    QStringList log;
    store::RunRecord record;
    int batch = -1;
    bool caughtUp = false;
    QString error;
};

std::vector<double> upTo(int count)
{
    std::vector<double> numbers;
    for (int i = 0; i < count; ++i)
        numbers.push_back(i);
    return numbers;
}

} // namespace

void FollowingTest::allSamplesOfALiveRunArriveOnceAndInOrder()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "live");
    run.appendSteps(0, 50, 2, 3);
    RunFollower follower(run.record().folder);
    Received received(follower);

    for (int part = 1; part < 20; ++part) {
        run.appendSteps(part * 50, 50, 2, 3);
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents, 20);
    }
    run.end(RunState::Finished);

    QTRY_COMPARE(received.record.state, RunState::Finished);
    QTRY_COMPARE(received.steps.size(), std::size_t{1 + 3 + 2 + 2});
    for (const auto& [series, steps] : received.steps)
        QTRY_COMPARE(steps, upTo(1000));
}

void FollowingTest::aLongRunArrivesWithoutHoldingUpTheWindow() // U1
{
    TestLab lab;
    WrittenRun run(lab.lab(), "long");
    for (int part = 0; part < 20; ++part)
        run.appendSteps(part * 500, 500, 4, 8); // 170,000 samples
    const Watchdog watchdog;
    RunFollower follower(run.record().folder);
    Received received(follower);

    QTRY_VERIFY_WITH_TIMEOUT(received.caughtUp, 20000);

    QCOMPARE(received.steps.at({"loss", -1, 7}), upTo(10000));
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void FollowingTest::aRunWithoutADatabaseIsFollowedFromItsFirstSample()
{
    TestLab lab;
    const store::Lab::NewRun made = lab.lab().new_run("early");
    RunFollower follower(made.folder);
    Received received(follower);
    QTRY_VERIFY(received.caughtUp);
    QVERIFY(received.steps.empty());

    store::RunStore store(made.folder / "run.sqlite", store::RunStore::Mode::Writer);
    const std::vector<store::Sample> samples{{{"loss", -1, 0}, 0, 0.5, 1.0}};
    store.append(std::span<const store::Sample>(samples));

    QTRY_COMPARE(received.steps.size(), std::size_t{1});
    QCOMPARE(received.error, QString());
}

void FollowingTest::everyLogLineArrivesOnce()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "log");
    RunFollower follower(run.record().folder);
    Received received(follower);
    QStringList written;
    for (int i = 0; i < 60; ++i) {
        const std::vector<store::LogLine> lines{{0.1 * i, 0, "line"}, {0.1 * i, 0, "line " + std::to_string(i)}};
        run.store().append(std::span<const store::LogLine>(lines));
        written << "line" << QStringLiteral("line %1").arg(i);
        QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
        QTRY_VERIFY(received.log.size() >= (i % 20 == 0 ? written.size() : 0));
    }
    QTRY_COMPARE(received.log, written);
}

void FollowingTest::theBatchOfTheExperimentIsKnown()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "batch");
    RunFollower follower(run.record().folder);
    Received received(follower);
    QTRY_COMPARE(received.batch, 64);
}

void FollowingTest::aRunOfAnotherHostIsNotTakenForLost()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "elsewhere");
    run.record().supervisor.host += "-2";
    run.save();
    RunFollower follower(run.record().folder);
    Received received(follower);
    QTRY_VERIFY(received.caughtUp);
    QCOMPARE(received.record.state, RunState::Running);
}

void FollowingTest::aFileThatIsNoRunIsReported() // S5
{
    TestLab lab;
    const store::Lab::NewRun made = lab.lab().new_run("foreign");
    std::ofstream(made.folder / "run.sqlite") << "this is no database, and long enough to be taken for one by nobody";
    RunFollower follower(made.folder);
    Received received(follower);
    QTRY_VERIFY_WITH_TIMEOUT(received.error.contains("run.sqlite"), 10000);
    QVERIFY2(!received.error.contains('\n'), qPrintable(received.error));
}

void FollowingTest::newRunsAppearInTheList()
{
    TestLab lab;
    lab.addFinishedRun("first", 5);
    LabFollower follower(lab.path());
    RunRecords runs;
    connect(&follower, &LabFollower::scanned, this, [&](const RunRecords& scanned) { runs = scanned; });
    QTRY_COMPARE(runs ? runs->size() : 0, std::size_t{1});

    const WrittenRun second(lab.lab(), "second");

    QTRY_COMPARE(runs->size(), std::size_t{2});
    QCOMPARE(runs->front().name, std::string("second"));
    QCOMPARE(runs->front().state, RunState::Running);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::FollowingTest)
#include "test_following.moc"
