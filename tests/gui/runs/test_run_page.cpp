// The page of one run: its charts, the timeline of its last steps, and what can be done with it.
#include <QTest>

#include "experiment/run_spec.h"
#include "gui/charts/metric_chart.h"
#include "gui/compare/compare_page.h"
#include "gui/kit/command_strip.h"
#include "gui/main_window.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_page.h"
#include "gui/runs/run_timeline.h"
#include "gui/start/start_dialog.h"
#include "gui/timeline/timeline_view.h"
#include "gui_testing.h"

#include <QAction>
#include <QComboBox>
#include <QFile>
#include <QFileDialog>
#include <QLabel>
#include <QListWidget>
#include <QMessageBox>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>

#include <fstream>

namespace pipebd::gui {

using store::RunState;

class RunPageTest : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        failOnAnyWarning();
        qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
        qputenv("FAKE_STEPS", "5");
    }
    void utilisationIsDrawnWhereItIsMeasured();
    void theTimelineLaysTheLastStepsOverTheirPrediction();
    void theTimelineOfALiveRunFollowsWithoutBlockingTheWindow();
    void aRunThatRecordedNothingSaysSo();
    void actionsAreEnabledWhereTheyMakeSense();
    void aRunThatStopsSaysWhenAndCanOnlyBeStoppedImmediately();
    void stoppingNowAsksFirst();
    void aRunGoesOnInTheStartDialog();
    void aRunIsRunAgain();
    void aRunIsClonedWithChanges();
    void theTraceIsExported();
    void aRunIsTakenToTheComparison();
};

namespace {

constexpr const char* twoStages = "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n";

schedule::Profile profile()
{
    schedule::Profile made;
    made.pair = "nas-digits";
    made.device = "some";
    made.dtype = "float32";
    made.batch = 64;
    made.load = {{64, 1.0}};
    for (const char* name : {"block0", "block1"}) {
        schedule::BlockProfile block;
        block.name = name;
        block.teacher_forward = {{64, 2.0}};
        block.student_forward = {{64, 3.0}};
        block.student_backward = {{64, 5.0}};
        block.update = 1;
        block.output_bytes = 10;
        made.blocks.push_back(block);
    }
    made.link = {.latency = 0.1, .bytes_per_ms = 1e6};
    return made;
}

// A run of two stages with all that is stored of one.
class WholeRun : public WrittenRun {
public:
    WholeRun(TestLab& lab, const std::string& name)
        : WrittenRun(lab.lab(), name)
    {
        const std::string toml
            = "name = \"" + name + "\"\npair = \"nas-digits\"\n[run]\nstrategy = \"tr+dpu\"\ndevices = \"cpu,cpu\"\n";
        std::ofstream(record().folder / "experiment.toml") << toml;
        experiment::RunSpec spec;
        spec.experiment = experiment::parse_experiment(toml, "test");
        spec.devices = experiment::parse_devices("cpu,cpu", "test");
        spec.program = schedule::from_text(twoStages, "test");
        store().save_document("spec", experiment::to_json(spec));
        store().save_document("program", twoStages);
        store().save_document("profile", schedule::to_json(profile()));
    }

    // Every instruction takes 2 ms.
    void recordSteps(int first, int count)
    {
        std::vector<store::MeasuredSpan> spans;
        for (int step = first; step < first + count; ++step)
            for (int rank = 0; rank < 2; ++rank)
                for (int index = 0; index < (rank == 0 ? 6 : 5); ++index) {
                    const double start = 40.0 * step + 12.0 * rank + 2.0 * index;
                    spans.push_back({rank, 0, step, index, start, start + 2});
                }
        store().append(std::span<const store::MeasuredSpan>(spans));
    }
};

struct Window {
    explicit Window(const TestLab& lab)
        : settings(folder.filePath("settings.ini"))
        , window(settings, lab.path())
    {
        window.show();
    }
    QAction* action(const char* name) { return window.findChild<QAction*>(name); }
    bool isEnabled(const char* name) { return action(name)->isEnabled(); }
    bool waitForRun()
    {
        return QTest::qWaitFor([this] { return window.isSettled() && window.runPage()->runId(); });
    }
    TimelineView* timeline() { return window.runPage()->timeline()->view(); }

    QTemporaryDir folder;
    Settings settings;
    MainWindow window;
};

} // namespace

void RunPageTest::utilisationIsDrawnWhereItIsMeasured()
{
    TestLab lab;
    lab.addFinishedRun("on cores", 10);
    {
        WrittenRun run(lab.lab(), "on GPUs");
        std::vector<store::Sample> samples;
        for (int step = 0; step < 20; ++step)
            for (int rank = 0; rank < 2; ++rank)
                samples.push_back({{"utilisation", rank, -1}, step, 0.1 * step, 0.9 - 0.2 * rank});
        run.store().append(std::span<const store::Sample>(samples));
        run.end(RunState::Finished);
    }
    Window window(lab);
    QVERIFY(window.waitForRun());
    auto* chart = window.window.findChild<MetricChart*>("utilisationChart");
    QVERIFY(chart->isVisible());
    QCOMPARE(chart->curves().size(), std::size_t{2});
    window.window.selectRun(1);
    QVERIFY(window.waitForRun());
    QVERIFY(!chart->isVisible()); // nothing tells it there
}

void RunPageTest::theTimelineLaysTheLastStepsOverTheirPrediction()
{
    TestLab lab;
    {
        WholeRun run(lab, "recorded");
        run.recordSteps(0, 6);
        run.end(RunState::Finished);
    }
    Window window(lab);
    QVERIFY(window.waitForRun());
    auto* views = window.window.findChild<QTabWidget*>("runViews");
    QTest::mouseClick(views->tabBar(), Qt::LeftButton, {}, views->tabBar()->tabRect(1).center());
    QTRY_COMPARE(window.timeline()->timelines().size(), std::size_t{2});
    const auto& timelines = window.timeline()->timelines();
    QCOMPARE(timelines[0]->kind, DrawnTimeline::Kind::Predicted);
    QCOMPARE(timelines[1]->kind, DrawnTimeline::Kind::Measured);
    QCOMPARE(timelines[1]->devices.at(1).name, QString("Device 1 (cpu)"));
    QCOMPARE(timelines[1]->devices.at(0).work.spans.size(), std::size_t{2 * 5}); // two steps; the send is communication
    const QString use = window.window.findChild<QLabel*>("deviceUse")->text();
    QVERIFY2(use.contains("Device 0 (cpu)") && use.contains("predicted"), qPrintable(use));

    auto* steps = window.window.findChild<QSpinBox*>("timelineSteps");
    steps->setFocus();
    QTest::keyClick(steps, Qt::Key_Up);
    QTRY_COMPARE(window.timeline()->timelines().at(1)->devices.at(0).work.spans.size(), std::size_t{3 * 5});
}

void RunPageTest::theTimelineOfALiveRunFollowsWithoutBlockingTheWindow() // U1
{
    TestLab lab;
    WholeRun run(lab, "live");
    run.recordSteps(0, 1);
    Window window(lab);
    QVERIFY(window.waitForRun());
    window.window.runPage()->showTimeline();
    QTRY_COMPARE(window.timeline()->timelines().size(), std::size_t{2});
    const Watchdog watchdog;
    run.recordSteps(1, 200);
    run.save();
    QTRY_COMPARE_WITH_TIMEOUT(window.timeline()->timelines().at(1)->devices.at(0).work.spans.size(), std::size_t{2 * 5}, 10000);
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void RunPageTest::aRunThatRecordedNothingSaysSo()
{
    TestLab lab;
    lab.addFinishedRun("plain", 5);
    Window window(lab);
    QVERIFY(window.waitForRun());
    window.window.runPage()->showTimeline();
    QVERIFY(window.waitForRun());
    QVERIFY(window.timeline()->timelines().empty());
    QCOMPARE(window.window.findChild<QLabel*>("deviceUse")->text(), QString());
}

void RunPageTest::actionsAreEnabledWhereTheyMakeSense()
{
    TestLab lab;
    Window window(lab);
    QTRY_VERIFY(window.window.isSettled());
    for (const char* name : {"stopRun", "stopRunNow", "resumeRun", "repeatRun", "cloneRun", "compareRun", "exportRunTrace"})
        QVERIFY2(!window.isEnabled(name), name);

    WholeRun run(lab, "live");
    QTRY_VERIFY(window.window.runList()->select(run.id()));
    QVERIFY(window.waitForRun());
    QTRY_VERIFY(window.isEnabled("repeatRun") && window.isEnabled("cloneRun") && window.isEnabled("exportRunTrace"));
    QVERIFY(window.isEnabled("stopRun") && window.isEnabled("stopRunNow"));
    QVERIFY(!window.isEnabled("resumeRun") && !window.isEnabled("compareRun"));

    std::filesystem::create_directories(run.record().folder / "checkpoints" / "round-000000004");
    run.end(RunState::Cancelled);
    QTRY_VERIFY(window.isEnabled("resumeRun"));
    QVERIFY(!window.isEnabled("stopRun") && !window.isEnabled("stopRunNow"));

    lab.addFinishedRun("second", 5);
    QTRY_VERIFY(window.isEnabled("compareRun"));
    window.window.selectRun(2);
    QTRY_COMPARE(window.window.runPage()->runId(), std::optional(2));
    QTRY_VERIFY(!window.isEnabled("resumeRun") && !window.isEnabled("repeatRun") && !window.isEnabled("exportRunTrace"));
}

void RunPageTest::aRunThatStopsSaysWhenAndCanOnlyBeStoppedImmediately()
{
    TestLab lab;
    WholeRun run(lab, "live");
    Window window(lab);
    QVERIFY(window.waitForRun());
    const auto says = [&](const QString& text) {
        const QList<QLabel*> labels = window.window.runPage()->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) { return label->text() == text; });
    };
    QTRY_VERIFY(window.isEnabled("stopRun"));
    QVERIFY(!says("Stopping"));

    run.record().stopping = 0;
    run.save();
    QTRY_VERIFY(says("Stopping"));
    QVERIFY(!window.isEnabled("stopRun") && window.isEnabled("stopRunNow"));
    run.record().stopping = 643;
    run.save();
    QTRY_VERIFY(says("Stopping: writing a checkpoint at the end of step 643"));

    run.end(RunState::Cancelled);
    QTRY_VERIFY(!says("Stopping: writing a checkpoint at the end of step 643"));
}

void RunPageTest::stoppingNowAsksFirst()
{
    TestLab lab;
    const QTemporaryDir folder;
    qputenv("FAKE_ASKED", folder.filePath("asked").toUtf8());
    WholeRun run(lab, "live");
    Window window(lab);
    QVERIFY(window.waitForRun());
    QVERIFY(QTest::qWaitForWindowActive(&window.window));
    QTest::keyClick(&window.window, Qt::Key_Period, Qt::ControlModifier | Qt::ShiftModifier);
    auto* box = window.window.findChild<QMessageBox*>("stopNow");
    QVERIFY(box);
    QTest::keyClick(box, Qt::Key_Escape);
    QVERIFY(!QFile::exists(folder.filePath("asked.runs")));
    window.action("stopRunNow")->trigger();
    QTRY_VERIFY(window.window.findChild<QMessageBox*>("stopNow") && window.window.findChild<QMessageBox*>("stopNow")->isVisible());
    QTest::mouseClick(window.window.findChild<QPushButton*>("stopNowButton"), Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(folder.filePath("asked.runs")), 10000);
    QFile asked(folder.filePath("asked.runs"));
    QTRY_VERIFY(asked.size() > 0 && (asked.isOpen() || asked.open(QIODevice::ReadOnly)));
    QVERIFY(asked.readAll().startsWith("runs\nstop\n1\n--now\n--lab\n"));
    qunsetenv("FAKE_ASKED");
    run.end(RunState::Cancelled);
}

void RunPageTest::aRunGoesOnInTheStartDialog()
{
    TestLab lab;
    {
        WholeRun run(lab, "broken");
        std::filesystem::create_directories(run.record().folder / "checkpoints" / "round-000000004");
        run.end(RunState::Failed);
    }
    Window window(lab);
    QVERIFY(window.waitForRun());
    QTRY_VERIFY(window.isEnabled("resumeRun"));
    QTest::keyClick(&window.window, Qt::Key_R, Qt::ControlModifier);
    auto* dialog = window.window.findChild<StartDialog*>();
    QVERIFY(dialog);
    QCOMPARE(dialog->request().resume, 1);
    QTRY_VERIFY(dialog->isRead());
    QVERIFY2(dialog->error().contains("manifest"), qPrintable(dialog->error())); // the folder was empty
    QCOMPARE(dialog->findChild<QComboBox*>("checkpoint")->count(), 3);
    QVERIFY(dialog->findChild<QComboBox*>("checkpoint")->itemText(2).contains("damaged"));
}

void RunPageTest::aRunIsRunAgain()
{
    TestLab lab;
    WholeRun(lab, "once").end(RunState::Finished);
    Window window(lab);
    QVERIFY(window.waitForRun());
    QTRY_VERIFY(window.isEnabled("repeatRun"));
    window.action("repeatRun")->trigger();
    QTRY_COMPARE_WITH_TIMEOUT(lab.lab().runs().size(), std::size_t{2}, 10000);
    QTRY_COMPARE_WITH_TIMEOUT(window.window.runPage()->runId(), std::optional(2), 10000);
    QCOMPARE(window.settings.recentExperiments(), QStringList()); // nobody chose that file
}

void RunPageTest::aRunIsClonedWithChanges()
{
    TestLab lab;
    WholeRun(lab, "once").end(RunState::Finished);
    Window window(lab);
    QVERIFY(window.waitForRun());
    QTRY_VERIFY(window.isEnabled("cloneRun"));
    window.action("cloneRun")->trigger();
    StartDialog* dialog = nullptr;
    QTRY_VERIFY(dialog = window.window.findChild<StartDialog*>());
    QTRY_VERIFY(dialog->isRead());
    QCOMPARE(dialog->error(), QString());
    QCOMPARE(dialog->request().strategy, QString("tr+dpu"));
    QCOMPARE(dialog->request().devices, QString("cpu,cpu"));
    QVERIFY(dialog->request().file.endsWith("/experiment.toml"));
}

void RunPageTest::theTraceIsExported()
{
    TestLab lab;
    WholeRun(lab, "once").end(RunState::Finished);
    Window window(lab);
    QVERIFY(window.waitForRun());
    QTRY_VERIFY(window.isEnabled("exportRunTrace"));
    window.action("exportRunTrace")->trigger();
    auto* dialog = window.window.findChild<QFileDialog*>("fileDialog");
    QVERIFY(dialog);
    const QString file = window.folder.filePath("trace.json");
    emit dialog->fileSelected(file);
    dialog->close();
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(file), 10000);
}

void RunPageTest::aRunIsTakenToTheComparison()
{
    TestLab lab;
    for (const char* name : {"first", "second", "third"})
        lab.addFinishedRun(name, 5);
    Window window(lab);
    QVERIFY(window.waitForRun());
    window.window.page("runs")->comparisonRequested({}); // goes there with nothing, too
    window.window.showPage("runs");
    window.action("compareRun")->trigger();
    QCOMPARE(window.window.currentPage()->id(), QString("compare"));
    QTRY_VERIFY_WITH_TIMEOUT(window.window.findChild<CommandStrip*>()->text().startsWith("pipebd runs compare 3"), 10000);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::RunPageTest)
#include "test_run_page.moc"
