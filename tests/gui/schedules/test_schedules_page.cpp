#include "gui_testing.h"

#include "base/file.h"
#include "experiment/run_spec.h"
#include "gui/kit/command_strip.h"
#include "gui/kit/optional_slider.h"
#include "gui/kit/settings.h"
#include "gui/main_window.h"
#include "gui/profile/measure_dialog.h"
#include "gui/schedules/schedules_page.h"
#include "gui/schedules/stage_card.h"
#include "gui/schedules/stage_editor.h"
#include "gui/schedules/strategy_table_model.h"
#include "gui/schedules/what_if_panel.h"
#include "gui/start/start_dialog.h"
#include "gui/timeline/timeline_view.h"
#include "schedule/stages.h"
#include "store/stored_profile.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QSortFilterProxyModel>
#include <QTableView>

namespace pipebd::gui {

using schedule::Stage;

class SchedulesPageTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void withoutAProfileItSaysWhatToDo();
    void strategiesStandSideBySideWithTheBestMarked();
    void theFiguresAreThoseOfThePlan();
    void whatIsTickedIsDrawn();
    void theAnswerFollowsTheSliders();
    void movingASliderNeverBlocksTheWindow();
    void whatCannotBeIsSaidInTheTable();
    void aBlockIsDraggedToAnotherStage();
    void aDragShowsWhatWouldComeOfIt();
    void stagesAreEditedFromTheKeyboard();
    void aStageIsGivenOneMoreDevice();
    void whatCannotBeEditedIsRefusedInWords();
    void editsAreUndoneAndRedoneAndBestReturns();
    void stagesThatNoLongerFitAreThoseOfTheSearchAgain();
    void whatIsOnTheScreenIsRun();
    void theCommandLineSaysTheSame();
    void aMeasuredRunStandsInTheTable();
    void whatAnotherLabHasMeasuredIsForgotten();
    void aMeasuredRunIsLaidOverItsPrediction();
    void itsModelsKeepTheRules();
    void theLayoutIsKept();
};

namespace {

const std::filesystem::path a6000 = std::filesystem::path(PIPEBD_SOURCE_DIR) / "tests/schedule/rtx-a6000.json";

schedule::Profile a6000Profile()
{
    return schedule::profile_from_json(read_file(a6000), "rtx-a6000.json");
}

/// A lab with a profile of nas-imagenet, said to be of four GPUs; and the window, with the schedules page in front.
class Schedules {
public:
    explicit Schedules(bool withProfile = true)
        : m_settings(m_lab.file("settings.ini"))
    {
        if (withProfile)
            m_lab.lab().save_profile(key(), a6000Profile());
        open();
    }

    static store::ProfileKey key()
    {
        return {.pair = "nas-imagenet", .batch = 256, .dtype = "float32", .devices = "cuda:0,cuda:1,cuda:2,cuda:3"};
    }

    void open()
    {
        m_window = std::make_unique<MainWindow>(m_settings, m_lab.path());
        m_window->show();
        m_window->showPage("schedules");
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
        settle();
    }
    void close() { m_window->close(); }
    void settle() { QTRY_VERIFY_WITH_TIMEOUT(m_window->isSettled(), 20000); }

    TestLab& lab() { return m_lab; }
    MainWindow& window() { return *m_window; }
    SchedulesPage& page() { return *m_window->findChild<SchedulesPage*>(); }
    SchedulesPage* operator->() { return &page(); }
    template <typename Widget>
    Widget* child(const char* name)
    {
        auto* found = page().findChild<Widget*>(QString::fromLatin1(name));
        if (!found)
            qFatal("the page has no %s", name);
        return found;
    }
    QString cell(const QString& strategy, int column)
    {
        const StrategyTableModel& model = page().model();
        return model.index(model.rowOf(strategy), column).data().toString();
    }
    QString stages() { return QString::fromStdString(schedule::to_text(page().editor()->stages())); }
    QString command() { return m_window->findChild<CommandStrip*>()->text(); }

    void dragBlock(int block, int stage, bool drop = true)
    {
        BlockChip* chip = page().editor()->chip(block);
        const QPoint from = chip->rect().center();
        const StageCard* card = page().editor()->card(stage);
        const QPoint to = chip->mapFromGlobal(card->mapToGlobal(card->rect().center()));
        QTest::mousePress(chip, Qt::LeftButton, {}, from);
        // QTest::mouseMove() says that no button is pressed.
        for (const QPoint& place : {from + QPoint(20, 0), (from + to) / 2, to}) {
            QMouseEvent move(QEvent::MouseMove, place, chip->mapToGlobal(place), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
            QApplication::sendEvent(chip, &move);
        }
        if (drop)
            QTest::mouseRelease(chip, Qt::LeftButton, {}, to);
    }

private:
    TestLab m_lab;
    Settings m_settings;
    std::unique_ptr<MainWindow> m_window;
};

} // namespace

void SchedulesPageTest::withoutAProfileItSaysWhatToDo()
{
    Schedules schedules(false);
    QVERIFY(schedules->command().isEmpty());
    for (QPushButton* button : schedules->findChildren<QPushButton*>())
        if (button->isVisible() && button->text().contains("Measure"))
            QTest::mouseClick(button, Qt::LeftButton);
    auto* dialog = schedules->findChild<MeasureDialog*>();
    QVERIFY(dialog && dialog->isVisible());
    schedules.lab().lab().save_profile(Schedules::key(), a6000Profile());
    emit dialog->measured(QString::fromStdString(store::profile_id(Schedules::key())));
    dialog->close();
    QTRY_VERIFY_WITH_TIMEOUT(schedules->model().rowCount() > 0, 10000); // and is planned at once
}

void SchedulesPageTest::strategiesStandSideBySideWithTheBestMarked()
{
    Schedules schedules;
    const StrategyTableModel& model = schedules->model();
    QCOMPARE(model.bestRow(), model.rowOf("tr+dpu+ahd")); // what was published for this GPU: 0-2 on three, 3-5 on one
    QCOMPARE(schedules.cell("tr+dpu+ahd", StrategyTableModel::Placement), QString("0-2 on 0-2 | 3-5 on 3"));
    QVERIFY(schedules.child<QLabel>("best")->text().contains("tr+dpu+ahd"));
    QVERIFY(model.index(model.bestRow(), 0).data().toString().startsWith(QStringLiteral("★")));
    for (const DrawnTimelinePtr& timeline : schedules->timelines()->timelines())
        QCOMPARE(timeline->devices.size(), std::size_t(4));
}

void SchedulesPageTest::theFiguresAreThoseOfThePlan()
{
    Schedules schedules;
    const schedule::Profile profile = a6000Profile();
    const schedule::Cluster cluster = schedule::alike(4);
    const schedule::Plan plan = make_plan(schedule::Costs(profile, cluster), std::vector<std::string>{"dp", "tr+dpu+ahd"});
    for (const schedule::PlannedStrategy& planned : plan.strategies) {
        const StrategyTableModel& model = schedules->model();
        const int row = model.rowOf(QString::fromStdString(planned.schedule.strategy));
        const auto number = [&](int column) { return model.index(row, column).data(StrategyTableModel::SortRole).toDouble(); };
        QCOMPARE(number(StrategyTableModel::Step), planned.simulation.step);
        QCOMPARE(number(StrategyTableModel::Speedup), planned.speedup);
        QCOMPARE(number(StrategyTableModel::TeacherForwards), double(planned.teacher_forwards));
        QCOMPARE(number(StrategyTableModel::DatasetReads), double(planned.dataset_reads));
    }
    QCOMPARE(schedules.cell("dp", StrategyTableModel::TeacherForwards), QString("21")); // 6 * 7 / 2
}

void SchedulesPageTest::whatIsTickedIsDrawn()
{
    Schedules schedules;
    const auto drawn = [&] {
        QStringList names;
        for (const DrawnTimelinePtr& timeline : schedules->timelines()->timelines())
            names << timeline->name;
        return names;
    };
    QVERIFY(drawn().contains("dp") && !drawn().contains("single"));
    QTableView* table = schedules->table();
    table->setCurrentIndex(table->model()->index(schedules->model().rowOf("dp"), 0));
    table->setFocus();
    QTest::keyClick(table, Qt::Key_Space); // as a check box
    QVERIFY(!drawn().contains("dp"));
    QTest::keyClick(table, Qt::Key_O);
    QCOMPARE(drawn(), QStringList{"dp"});
    QTest::keyClick(table, Qt::Key_O);
    QVERIFY(drawn().size() > 5);
}

void SchedulesPageTest::theAnswerFollowsTheSliders()
{
    Schedules schedules;
    auto* devices = schedules.child<QSlider>("devices");
    QCOMPARE(devices->value(), 4);
    devices->setFocus();
    QTest::keyClick(devices, Qt::Key_Left);
    schedules.settle();
    for (const DrawnTimelinePtr& timeline : schedules->timelines()->timelines())
        QCOMPARE(timeline->devices.size(), std::size_t(3));

    const QString atFirst = schedules.cell("tr+dpu+ahd", StrategyTableModel::Step);
    QSlider* link = schedules.child<OptionalSlider>("link")->slider();
    link->setFocus();
    QTest::keyClick(link, Qt::Key_Home); // a megabyte a second
    schedules.settle();
    QVERIFY(schedules.cell("tr+dpu+ahd", StrategyTableModel::Step) != atFirst);
    QVERIFY2(schedules.child<QLabel>("notes")->text().contains("1.00 MB/s"), qPrintable(schedules.child<QLabel>("notes")->text()));

    QTest::mouseClick(schedules.child<QPushButton>("asMeasured"), Qt::LeftButton);
    schedules.settle();
    QCOMPARE(devices->value(), 4);
    QVERIFY(!schedules.child<QLabel>("notes")->isVisible());
}

void SchedulesPageTest::movingASliderNeverBlocksTheWindow() // U1
{
    Schedules schedules;
    QSlider* batch = schedules.child<OptionalSlider>("batch")->slider();
    batch->setFocus();
    const Watchdog watchdog;
    for (int i = 0; i < 30; ++i) {
        QTest::keyClick(batch, i % 2 ? Qt::Key_Left : Qt::Key_PageUp);
        QCoreApplication::processEvents();
    }
    schedules.settle();
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
    QVERIFY(schedules.child<QLabel>("notes")->text().startsWith("batch "));
}

void SchedulesPageTest::whatCannotBeIsSaidInTheTable()
{
    Schedules schedules;
    QSlider* memory = schedules.child<OptionalSlider>("memory")->slider();
    memory->setFocus();
    QTest::keyClick(memory, Qt::Key_Home); // 1 MiB
    schedules.settle();
    QVERIFY2(schedules.cell("tr+dpu+ahd", StrategyTableModel::Placement).startsWith("not possible"),
        qPrintable(schedules.cell("tr+dpu+ahd", StrategyTableModel::Placement)));
    QVERIFY(!schedules.child<QPushButton>("runButton")->isEnabled());
}

void SchedulesPageTest::aBlockIsDraggedToAnotherStage()
{
    Schedules schedules;
    QCOMPARE(schedules.stages(), QString("0-2 on 0-2 | 3-5 on 3"));
    schedules.dragBlock(3, 0);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-3 on 0-2 | 4,5 on 3").replace("4,5", "4-5"));
    QVERIFY(schedules->model().rowOf("tr+dpu+ahd by hand") >= 0);
    const schedule::Profile profile = a6000Profile();
    const schedule::Cluster cluster = schedule::alike(4);
    const schedule::Costs costs(profile, cluster);
    const Stage first{0, 4, {0, 1, 2}};
    QTRY_VERIFY2(schedules->editor()->card(0)->figures().startsWith(QString::number(costs.stage(first), 'f', 1).left(3)),
        qPrintable(schedules->editor()->card(0)->figures()));
    QVERIFY(schedules.child<QLabel>("byHand")->text().contains("per step"));
}

void SchedulesPageTest::aDragShowsWhatWouldComeOfIt()
{
    Schedules schedules;
    schedules.dragBlock(3, 0, false);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-2 on 0-2 | 3-5 on 3")); // not yet
    QCOMPARE(schedules.cell("tr+dpu+ahd by hand", StrategyTableModel::Placement), QString("0-3 on 0-2 | 4-5 on 3"));
    QTest::mouseRelease(schedules->editor()->chip(3), Qt::LeftButton, {}, QPoint(-5000, -5000)); // nowhere
    schedules.settle();
    QCOMPARE(schedules->model().rowOf("tr+dpu+ahd by hand"), -1);
    QCOMPARE(schedules->undoStack()->count(), 0);
}

void SchedulesPageTest::stagesAreEditedFromTheKeyboard()
{
    Schedules schedules;
    schedules->editor()->chip(2)->setFocus();
    QTest::keyClick(schedules->editor()->chip(2), Qt::Key_Right, Qt::ControlModifier);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-1 on 0-2 | 2-5 on 3"));
    QVERIFY(schedules->editor()->chip(2)->hasFocus()); // and can be moved on
    QTest::keyClick(schedules->editor()->chip(2), Qt::Key_Left, Qt::ControlModifier);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-2 on 0-2 | 3-5 on 3"));
}

void SchedulesPageTest::aStageIsGivenOneMoreDevice()
{
    Schedules schedules;
    QTest::mouseClick(schedules->editor()->card(1)->moreButton(), Qt::LeftButton);
    QTRY_COMPARE(schedules.stages(), QString("0-2 on 0,1 | 3-5 on 2,3"));
    QTest::mouseClick(schedules->editor()->card(0)->fewerButton(), Qt::LeftButton);
    QTRY_COMPARE(schedules.stages(), QString("0-2 on 0 | 3-5 on 1,2"));
    QTest::mouseClick(schedules->editor()->card(0)->joinButton(), Qt::LeftButton);
    QTRY_COMPARE(schedules.stages(), QString("0-5 on 0-2"));
    schedules.settle();
}

void SchedulesPageTest::whatCannotBeEditedIsRefusedInWords()
{
    Schedules schedules;
    QSignalSpy said(&schedules.page(), &Page::messagePosted);
    QTest::mouseClick(schedules->editor()->card(1)->fewerButton(), Qt::LeftButton); // its only one
    QTRY_COMPARE(said.size(), 1);
    QVERIFY2(said.front().front().toString().contains("device"), qPrintable(said.front().front().toString()));
    QCOMPARE(schedules.stages(), QString("0-2 on 0-2 | 3-5 on 3"));
}

void SchedulesPageTest::editsAreUndoneAndRedoneAndBestReturns()
{
    Schedules schedules;
    schedules.dragBlock(3, 0);
    schedules.settle();
    schedules.dragBlock(1, 1);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0 on 0-2 | 1-5 on 3"));
    QTest::keyClick(&schedules.page(), Qt::Key_Z, Qt::ControlModifier);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-3 on 0-2 | 4-5 on 3"));
    QTest::keySequence(&schedules.page(), QKeySequence(QKeySequence::Redo));
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0 on 0-2 | 1-5 on 3"));
    QTest::keyClick(&schedules.page(), Qt::Key_B);
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0-2 on 0-2 | 3-5 on 3"));
    QCOMPARE(schedules->model().rowOf("tr+dpu+ahd by hand"), -1);
    QTest::keyClick(&schedules.page(), Qt::Key_Z, Qt::ControlModifier); // the way back, too
    schedules.settle();
    QCOMPARE(schedules.stages(), QString("0 on 0-2 | 1-5 on 3"));
}

void SchedulesPageTest::stagesThatNoLongerFitAreThoseOfTheSearchAgain()
{
    Schedules schedules;
    QSignalSpy said(&schedules.page(), &Page::messagePosted);
    schedules.dragBlock(3, 0);
    schedules.settle();
    schedules->whatIf()->setDevices(2);
    schedules.settle();
    QCOMPARE(said.size(), 1);
    QCOMPARE(schedules->model().rowOf("tr+dpu+ahd by hand"), -1);
    QCOMPARE(schedules.stages(), schedules.cell("tr+dpu+ahd", StrategyTableModel::Placement));
}

void SchedulesPageTest::whatIsOnTheScreenIsRun()
{
    Schedules schedules;
    schedules.dragBlock(3, 0);
    schedules.settle();
    QSignalSpy asked(&schedules.page(), &Page::startRequested);
    QTableView* table = schedules->table();
    table->setCurrentIndex(table->model()->index(schedules->model().rowOf("tr+dpu+ahd by hand"), 0));
    QTest::keyClick(&schedules.page(), Qt::Key_Return, Qt::ControlModifier);
    QTRY_COMPARE(asked.size(), 1);
    const auto request = asked.front().front().value<StartRequest>();
    QVERIFY2(QFile::exists(request.file), qPrintable(request.file));
    QCOMPARE(request.strategy, QString("tr+dpu+ahd"));
    QCOMPARE(request.devices, QString("cuda:0,cuda:1,cuda:2,cuda:3"));
    QVERIFY(request.settings.contains("run.stages=0-3 on 0-2 | 4-5 on 3"));
    QVERIFY(request.settings.contains("data.batch=256"));
    auto* dialog = schedules.window().findChild<StartDialog*>();
    QVERIFY(dialog);
    QTRY_COMPARE(dialog->request().strategy, QString("tr+dpu+ahd"));
    QTRY_VERIFY(dialog->request().settings.contains("run.stages=0-3 on 0-2 | 4-5 on 3"));
    dialog->reject();
}

void SchedulesPageTest::theCommandLineSaysTheSame()
{
    Schedules schedules;
    const QString id = QString::fromStdString(store::profile_id(Schedules::key()));
    QCOMPARE(schedules.command(), "pipebd plan --profile " + id + " --devices 4 --strategies blockwise");
    schedules.dragBlock(3, 0);
    schedules.settle();
    QVERIFY2(schedules.command().endsWith("--stages '0-3 on 0-2 | 4-5 on 3'"), qPrintable(schedules.command()));
}

/// A finished run of the pair in `lab`; returns its id.
int measuredRunIn(store::Lab& lab, double step)
{
    WrittenRun run(lab, "measured");
    run.record().pair = "nas-imagenet";
    run.record().strategy = "tr+dpu+ahd";
    run.record().devices = {"cuda:0", "cuda:1", "cuda:2", "cuda:3"};
    run.record().measured_step = step;
    experiment::RunSpec spec;
    spec.experiment.name = "measured";
    spec.experiment.pair = "nas-imagenet";
    spec.experiment.data.batch = 256;
    spec.program = schedule::from_text("device 0: load T0 F0 B0 U0");
    spec.devices = experiment::parse_devices("cuda:0", "test");
    run.store().save_document("spec", to_json(spec));
    run.end(store::RunState::Finished);
    return run.id();
}

void SchedulesPageTest::aMeasuredRunStandsInTheTable()
{
    Schedules schedules;
    const int run = measuredRunIn(schedules.lab().lab(), 123);
    QTRY_COMPARE_WITH_TIMEOUT(schedules.cell("tr+dpu+ahd", StrategyTableModel::Measured), QString("123.0 ms"), 10000);
    QVERIFY(schedules.cell("tr+dpu+ahd", StrategyTableModel::Error).contains('%'));
    QCOMPARE(schedules.cell("dp", StrategyTableModel::Measured), QStringLiteral("–"));
    QCOMPARE(schedules->model().measuredRuns(), std::vector<int>{run});
}

void SchedulesPageTest::whatAnotherLabHasMeasuredIsForgotten() // though its runs have the same numbers and states
{
    TestLab lab;
    TestLab other;
    int run = 0;
    for (TestLab* each : {&lab, &other}) {
        each->lab().save_profile(Schedules::key(), a6000Profile());
        run = measuredRunIn(each->lab(), each == &lab ? 123 : 77);
    }
    QCOMPARE(lab.lab().runs().front().id, run);
    const auto runsOf = [](TestLab& each) { return std::make_shared<const std::vector<store::RunRecord>>(each.lab().runs()); };

    // The page alone, so that a lab's profiles come before its runs.
    Settings settings(lab.file("settings.ini"));
    SchedulesPage page(settings);
    page.show();
    const auto measured = [&] {
        const int row = page.model().rowOf("tr+dpu+ahd");
        return row < 0 || !page.isSettled() ? QString() : page.model().index(row, StrategyTableModel::Measured).data().toString();
    };
    page.openLab(lab.path());
    page.comeToFront();
    page.runsChanged(runsOf(lab));
    QTRY_COMPARE_WITH_TIMEOUT(measured(), QString("123.0 ms"), 10000);

    page.openLab(other.path());
    page.comeToFront();
    QTRY_COMPARE_WITH_TIMEOUT(measured(), QStringLiteral("–"), 10000);
    page.runsChanged(runsOf(other));
    QTRY_COMPARE_WITH_TIMEOUT(measured(), QString("77.0 ms"), 10000);
}

void SchedulesPageTest::aMeasuredRunIsLaidOverItsPrediction()
{
    Schedules schedules;
    WrittenRun run(schedules.lab().lab(), "measured");
    run.record().pair = "nas-imagenet";
    run.record().measured_step = 40;
    const schedule::Profile profile = a6000Profile();
    const schedule::Cluster cluster = schedule::alike(4);
    const schedule::PlannedStrategy planned
        = make_plan(schedule::Costs(profile, cluster), std::vector<std::string>{"tr+dpu+ahd"}).strategies.front();
    run.store().save_document("program", to_text(planned.program));
    run.store().save_document("profile", to_json(profile));
    std::vector<store::MeasuredSpan> spans; // as predicted, only slower
    for (const schedule::Span& span : planned.simulation.timeline.spans)
        spans.push_back({span.device, span.phase, span.step, span.index, span.start * 1.5, span.end * 1.5});
    run.store().append(std::span<const store::MeasuredSpan>(spans));
    run.end(store::RunState::Finished);

    auto* runs = schedules.child<QComboBox>("measuredRun");
    QTRY_COMPARE_WITH_TIMEOUT(runs->count(), 2, 10000);
    runs->setFocus();
    QTest::keyClick(runs, Qt::Key_Down);
    QTRY_COMPARE(schedules->timelines()->timelines().size(), std::size_t(2));
    QTRY_COMPARE(schedules->timelines()->timelines()[1]->kind, DrawnTimeline::Kind::Measured);
    QVERIFY(schedules->timelines()->timelines()[1]->length() > schedules->timelines()->timelines()[0]->length());
    QTest::keyClick(runs, Qt::Key_Up);
    QTRY_VERIFY(schedules->timelines()->timelines().size() > 2);
}

void SchedulesPageTest::itsModelsKeepTheRules() // U4
{
    Schedules schedules;
    auto* model = schedules->findChild<StrategyTableModel*>();
    const QAbstractItemModelTester tester(model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    const QAbstractItemModelTester sorted(schedules->table()->model(), QAbstractItemModelTester::FailureReportingMode::Fatal);
    schedules.dragBlock(3, 0);
    schedules.settle();
    schedules->table()->sortByColumn(StrategyTableModel::Step, Qt::AscendingOrder);
    double last = 0;
    for (int row = 0; row < schedules->table()->model()->rowCount(); ++row) {
        const double step
            = schedules->table()->model()->index(row, StrategyTableModel::Step).data(StrategyTableModel::SortRole).toDouble();
        QVERIFY(step >= last);
        last = step;
    }
    QTest::keyClick(&schedules.page(), Qt::Key_B);
    schedules.settle();
}

void SchedulesPageTest::theLayoutIsKept()
{
    Schedules schedules;
    schedules->table()->horizontalHeader()->resizeSection(StrategyTableModel::Placement, 333);
    schedules.close();
    schedules.open();
    QCOMPARE(schedules->table()->horizontalHeader()->sectionSize(StrategyTableModel::Placement), 333);
    schedules.window().restoreDefaultLayout();
    QVERIFY(schedules->table()->horizontalHeader()->sectionSize(StrategyTableModel::Placement) != 333);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::SchedulesPageTest)
#include "test_schedules_page.moc"
