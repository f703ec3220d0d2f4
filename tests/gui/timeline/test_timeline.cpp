#include <QTest>

#include "gui/kit/theme.h"
#include "gui/timeline/activity_look.h"
#include "gui/timeline/timeline_export.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_table_model.h"
#include "gui/timeline/timeline_view.h"
#include "gui/timeline/timeline_words.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QSet>
#include <QSignalSpy>
#include <QSortFilterProxyModel>
#include <QSvgRenderer>
#include <QToolTip>

#include <cmath>
#include <memory>
#include <random>

namespace pipebd::gui {

class TimelineTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void cleanup() { applyTheme(Theme::Light); }
    void theStepPeriodIsThatOfTheSteadyState();
    void thePointerNamesTheInstruction();
    void barsOfAnOverlayAreToldApart();
    void memoryIsDrawnAndTold();
    void sumsOfASelectionAreThoseByHand();
    void aDragWithShiftSelectsTimesAndRows();
    void theDifferenceOfTwoCursorsIsShown();
    void cursorsSnapToBarsAndCanBeDragged();
    void theWheelZoomsAtThePointer();
    void theWheelWithModifiersScrolls();
    void aDragMovesTheView();
    void aDoubleClickShowsOneInstruction();
    void everyKeyDoesWhatItsActionSays();
    void escapeGoesBackOneViewAndThenToEverything();
    void theHistoryGoesBackAndForth();
    void aRangeCanBeTyped();
    void typedRangesAreUnderstood_data();
    void typedRangesAreUnderstood();
    void commaAndFullStopGoFromInstructionToInstruction();
    void axesAreLinkedUnlessEachHasItsOwn();
    void newTimelinesKeepWhatTheUserLooksAt();
    void timelinesMayChangeInTheMiddleOfADrag_data();
    void timelinesMayChangeInTheMiddleOfADrag();
    void manyRowsScroll();
    void everyColumnShowsWhatRunsThere_data();
    void everyColumnShowsWhatRunsThere();
    void aChangeOfThemeRecoloursEverything();
    void theTableHoldsEveryInstruction();
    void theTableSortsByNumber();
    void exportsAreWhatTheirSuffixSays_data();
    void exportsAreWhatTheirSuffixSays();
    void namesFromFilesAreNoFormulas();
    void refusedExportsSayWhy();
    void aHundredThousandSpansDoNotBlock();
};

namespace {

using schedule::Span;

struct Work {
    int device;
    bool communication;
    int index;
    double start;
    double end;
};

// Of two devices, 10 ms a step.
constexpr Work step[]{{0, false, 0, 0, 1}, {0, false, 1, 1, 3}, {0, true, 2, 3, 4}, {0, false, 3, 3, 5}, {0, false, 4, 5, 8},
    {0, false, 5, 8, 8.5}, {1, true, 0, 3, 4}, {1, false, 1, 4, 6}, {1, false, 2, 6, 8}, {1, false, 3, 8, 12},
    {1, false, 4, 12, 13}};

std::shared_ptr<const schedule::Program> twoStages()
{
    return std::make_shared<schedule::Program>(
        schedule::from_text("device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1"));
}

DrawnTimelinePtr byHand(const QString& name = QStringLiteral("tr+dpu"), int steps = 4, double stretch = 1,
    DrawnTimeline::Kind kind = DrawnTimeline::Kind::Predicted)
{
    schedule::Timeline timeline;
    timeline.devices = 2;
    for (int device = 0; device < 2; ++device)
        for (int s = 0; s < steps; ++s)
            for (const Work& work : step)
                if (work.device == device)
                    timeline.spans.push_back({device, work.communication, 0, s, work.index, (work.start + 10 * s) * stretch,
                        (work.end + 10 * s) * stretch});
    return drawnTimeline(name, twoStages(), timeline, {}, kind);
}

// Instructions of one device one after another, with and without pauses, from far below to far above a pixel of the full view.
DrawnTimelinePtr random(unsigned seed, int count, double longest)
{
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> exponent(-4, std::log10(longest));
    std::uniform_int_distribution<int> index(0, 4);
    auto program = std::make_shared<schedule::Program>(schedule::from_text("device 0: load T0 F0 B0 U0"));
    schedule::Timeline timeline;
    timeline.devices = 1;
    double time = 0;
    for (int i = 0; i < count; ++i) {
        if (i % 3 == 0)
            time += std::pow(10, exponent(generator));
        const double end = time + std::pow(10, exponent(generator));
        timeline.spans.push_back({0, false, 0, i, index(generator), time, end});
        time = end;
    }
    return drawnTimeline(QStringLiteral("random"), program, timeline);
}

DrawnTimelinePtr manySpans(int devices, int count)
{
    std::string text;
    for (int device = 0; device < devices; ++device)
        text += "device " + std::to_string(device) + ": load T0 F0 B0 U0\n";
    schedule::Timeline timeline;
    timeline.devices = devices;
    const int each = count / devices;
    for (int device = 0; device < devices; ++device)
        for (int i = 0; i < each; ++i)
            timeline.spans.push_back({device, false, 0, i / 5, i % 5, i * 1.0, i + 0.9});
    return drawnTimeline(QStringLiteral("many"), std::make_shared<schedule::Program>(schedule::from_text(text)), timeline);
}

std::unique_ptr<TimelineView> shown(std::vector<DrawnTimelinePtr> timelines, QSize size = {900, 400})
{
    auto view = std::make_unique<TimelineView>();
    view->resize(size);
    view->setTimelines(std::move(timelines));
    view->show();
    view->activateWindow();
    if (!QTest::qWaitForWindowExposed(view.get()))
        qFatal("no window");
    view->plot().setFocus();
    view->plot().replot();
    return view;
}

QPoint middleOf(TimelineView& view, const SpanPlace& place)
{
    return view.plot().barOf(place).center().toPoint();
}

// Where a time is, in the middle of a row.
QPoint pointAt(TimelineView& view, double time, std::size_t timeline = 0, std::size_t device = 0)
{
    const QRectF bar = view.plot().barOf({timeline, device, false, 0});
    const TimelinePlot::Panel& panel = *view.plot().panelOf(timeline);
    return {static_cast<int>(std::lround(panel.axis->coordToPixel(time))), static_cast<int>(bar.center().y())};
}

double timeAt(TimelineView& view, int x)
{
    return view.plot().xAxis->pixelToCoord(x);
}

void turnWheel(TimelineView& view, QPoint at, int turns, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QWheelEvent wheel(at, view.plot().mapToGlobal(at), {}, {0, 120 * turns}, Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
    QApplication::sendEvent(&view.plot(), &wheel);
}

void drag(TimelineView& view, QPoint from, QPoint to, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QTest::mousePress(&view.plot(), Qt::LeftButton, modifiers, from);
    QTest::mouseMove(&view.plot(), (from + to) / 2);
    QTest::mouseMove(&view.plot(), to);
    QTest::mouseRelease(&view.plot(), Qt::LeftButton, modifiers, to);
}

void press(TimelineView& view, Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
{
    QTest::keyClick(&view.plot(), key, modifiers);
}

bool nearly(double a, double b, double tolerance = 1e-9)
{
    return std::abs(a - b) <= tolerance;
}

QString readout(TimelineView& view)
{
    return view.findChild<QLabel*>("timelineReadout")->text();
}

QByteArray contentsOf(const QString& name)
{
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

bool sameRange(TimeRange a, TimeRange b)
{
    return nearly(a.from, b.from, 1e-6) && nearly(a.to, b.to, 1e-6);
}

} // namespace

void TimelineTest::theStepPeriodIsThatOfTheSteadyState()
{
    QVERIFY(nearly(byHand()->stepPeriod, 10));
    QVERIFY(nearly(byHand("slow", 4, 1.5)->stepPeriod, 15));
    QCOMPARE(byHand("one", 1)->stepPeriod, 0.0);
    QCOMPARE(byHand()->length(), 43.0);
}

void TimelineTest::thePointerNamesTheInstruction()
{
    const auto view = shown({byHand()});
    QSignalSpy hovered(view.get(), &TimelineView::hovered);
    QTest::mouseMove(&view->plot(), pointAt(*view, 22));
    QCOMPARE(hovered.last()[0].toString(), "teacher forward of block 0, device 0, step 2, 21.0 to 23.0 ms (2.0 ms)");
    QVERIFY(QToolTip::text().contains("<b>T0</b>"));
    QVERIFY(readout(*view).contains("teacher forward of block 0"));

    QTest::mouseMove(&view->plot(), middleOf(*view, {0, 0, true, 1}));
    QCOMPARE(hovered.last()[0].toString(),
        "send of the teacher's output of block 0 to device 1, device 0, step 1, 13.0 to 14.0 ms (1.0 ms)");
    QTest::mouseMove(&view->plot(), pointAt(*view, 9.2));
    QCOMPARE(hovered.last()[0].toString(), QString());
}

void TimelineTest::barsOfAnOverlayAreToldApart()
{
    const auto view = shown({});
    view->setOverlay(byHand(), byHand("tr+dpu", 4, 1.1, DrawnTimeline::Kind::Measured));
    view->plot().replot();
    const QRectF upper = view->plot().barOf({0, 1, false, 1});
    const QRectF lower = view->plot().barOf({1, 1, false, 1});
    QVERIFY(upper.bottom() <= lower.top() && lower.top() - upper.bottom() < 3);
    QSignalSpy hovered(view.get(), &TimelineView::hovered);
    QTest::mouseMove(&view->plot(), upper.center().toPoint());
    QVERIFY(hovered.last()[0].toString().startsWith("predicted: student forward of block 1, device 1, step 0, 6.0"));
    QTest::mouseMove(&view->plot(), lower.center().toPoint());
    QVERIFY(hovered.last()[0].toString().startsWith("measured: student forward of block 1, device 1, step 0, 6.6"));
}

void TimelineTest::memoryIsDrawnAndTold()
{
    const DrawnTimelinePtr plain = byHand();
    const auto view
        = shown({drawnTimeline("memory", plain->program, plain->timeline(), {{{0, 1 << 20}, {20, 4 << 20}, {30, 2 << 20}}, {}})});
    press(*view, Qt::Key_M);
    view->plot().replot();
    const GanttPlottable& gantt = *view->plot().panels().front().gantts.front();
    const GanttPlottable::Lane lane = gantt.memoryLane(0);
    QVERIFY(lane.height > 10 && lane.top >= gantt.lane(0, true).top + gantt.lane(0, true).height);
    const auto at = [&](double time, double share) { // of the lane, from below
        const QPointF place(
            view->plot().xAxis->coordToPixel(time), view->plot().yAxis->coordToPixel(lane.top + lane.height * (1 - share)));
        return place.toPoint();
    };
    const QImage image = view->plot().toPixmap(view->plot().width(), view->plot().height()).toImage();
    const auto filled = [&](double time, double share) {
        return image.pixelColor(at(time, share)).lightness() < view->palette().color(QPalette::Base).lightness() - 40;
    };
    QVERIFY(filled(11, 0.15) && !filled(11, 0.4));
    QVERIFY(filled(25.5, 0.9));
    QVERIFY(filled(35.5, 0.4) && !filled(35.5, 0.65));
    QTest::mouseMove(&view->plot(), at(25, 0.5));
    QCOMPARE(QToolTip::text().section(' ', 0, -3), "device 0 holds 4.0 MiB at");
    press(*view, Qt::Key_M);
    QCOMPARE(gantt.memoryLane(0).height, 0.0);
}

void TimelineTest::sumsOfASelectionAreThoseByHand()
{
    const auto view = shown({byHand()});
    QSignalSpy changed(view.get(), &TimelineView::selectionChanged);
    view->select({2, 16}, {{0, 0}, {0, 1}, {0, 7}, {3, 0}});
    QCOMPARE(changed.count(), 1);
    const TimelineSums& sums = view->selection();
    QCOMPARE(sums.devices.size(), 2U);
    QVERIFY(nearly(sums.devices[0].busy, 12.5) && nearly(sums.devices[0].idle, 1.5));
    QVERIFY(nearly(sums.devices[1].busy, 11) && nearly(sums.devices[1].idle, 3));

    struct Expected {
        Activity activity;
        double total;
        std::size_t count;
        double min, mean, p50, p95, max;
    };
    const std::vector<Expected> expected{{Activity::Load, 1, 1, 1, 1, 1, 1, 1}, {Activity::TeacherForward, 7, 4, 2, 2, 2, 2, 2},
        {Activity::StudentForward, 6, 3, 2, 2, 2, 2, 2}, {Activity::StudentBackward, 8, 3, 3, 10.0 / 3, 3, 4, 4},
        {Activity::Update, 1.5, 2, 0.5, 0.75, 0.5, 1, 1}, {Activity::Communication, 4, 4, 1, 1, 1, 1, 1}};
    QCOMPARE(sums.activities.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const ActivitySum& sum = sums.activities[i];
        const Expected& e = expected[i];
        QCOMPARE(sum.activity, e.activity);
        QCOMPARE(sum.count, e.count);
        QVERIFY2(nearly(sum.total, e.total) && nearly(sum.min, e.min) && nearly(sum.mean, e.mean) && nearly(sum.p50, e.p50)
                && nearly(sum.p95, e.p95) && nearly(sum.max, e.max),
            qPrintable(activityName(e.activity)));
    }
    const auto* table = view->findChild<QAbstractItemView*>("activitySums");
    QVERIFY(table->isVisible());
    QCOMPARE(table->model()->rowCount(), 6);
    QCOMPARE(table->model()->index(3, 1).data().toString(), QLocale().toString(8.0, 'f', 3));

    const TimeRange before = view->shownTimes();
    auto* activityTable = view->findChild<QAbstractItemView*>("activitySums");
    view->showTimes({10, 20});
    activityTable->setFocus();
    activityTable->setCurrentIndex(activityTable->model()->index(0, 0));
    QTest::keyClick(activityTable, Qt::Key_Down);
    QTest::keyClick(activityTable, Qt::Key_Right);
    QCOMPARE(activityTable->currentIndex().row(), 1); // keys are the table's
    QVERIFY(sameRange(view->shownTimes(), {10, 20}));
    QTest::keyClick(activityTable, Qt::Key_F);
    QVERIFY(view->shownTimes() == before);

    view->select({40, 1000}, {{0, 0}}); // no idle time beyond the end
    QVERIFY(nearly(view->selection().devices[0].idle, 3));
    view->clearMarks();
    QVERIFY(view->selection().empty() && !table->isVisible());
}

void TimelineTest::aDragWithShiftSelectsTimesAndRows()
{
    const auto view = shown({byHand("a"), byHand("b")});
    const QPoint from = pointAt(*view, 12, 0, 1);
    const QPoint to = pointAt(*view, 25, 1, 0);
    const TimeRange times{timeAt(*view, from.x()), timeAt(*view, to.x())};
    const TimeRange before = view->shownTimes();
    drag(*view, to, from, Qt::ShiftModifier);
    QVERIFY(sameRange(view->selection().times, times));
    QCOMPARE(view->selection().devices.size(), 2U);
    QVERIFY((view->selection().devices[0].row == RowPlace{0, 1}) && (view->selection().devices[1].row == RowPlace{1, 0}));
    QVERIFY(view->shownTimes() == before);

    QTest::mouseClick(&view->plot(), Qt::LeftButton, {}, QPoint(from.x(), view->plot().axisRect()->top() + 2)); // on a title
    QVERIFY(view->selection().empty());
    press(*view, Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(view->selection().devices.size(), 4U);
}

void TimelineTest::theDifferenceOfTwoCursorsIsShown()
{
    const auto view = shown({byHand()});
    QSignalSpy changed(view.get(), &TimelineView::cursorsChanged);
    view->setCursors({5, 20});
    QCOMPARE(changed.count(), 1);
    QVERIFY2(readout(*view).contains("difference 15.000 ms = 1.50 steps"), qPrintable(readout(*view)));

    view->clearMarks();
    QVERIFY(view->cursors().empty());
    for (const double time : {7.0, 17.0, 27.0}) {
        QTest::mouseMove(&view->plot(), pointAt(*view, time));
        press(*view, Qt::Key_C);
    }
    QCOMPARE(view->cursors().size(), 2U);
    QVERIFY(nearly(view->cursors()[1], 27, 0.1)); // the nearer one has moved
    QVERIFY(nearly(view->cursors()[0], 7, 0.1));
}

void TimelineTest::cursorsSnapToBarsAndCanBeDragged()
{
    const auto view = shown({byHand()});
    QTest::mouseClick(&view->plot(), Qt::LeftButton, Qt::ControlModifier, pointAt(*view, 11) + QPoint(2, 0));
    QTest::mouseClick(&view->plot(), Qt::LeftButton, Qt::ControlModifier, pointAt(*view, 21) + QPoint(2, 0));
    QVERIFY((view->cursors() == std::vector<double>{11, 21}));
    drag(*view, pointAt(*view, 21), pointAt(*view, 33) + QPoint(-2, 0));
    QVERIFY((view->cursors() == std::vector<double>{11, 33}));
    QVERIFY2(readout(*view).contains("difference 22.000 ms = 2.20 steps"), qPrintable(readout(*view)));
}

void TimelineTest::theWheelZoomsAtThePointer()
{
    const auto view = shown({byHand()});
    const QPoint at = pointAt(*view, 12);
    const double time = timeAt(*view, at.x());
    const TimeRange before = view->shownTimes();
    turnWheel(*view, at, 2);
    QVERIFY(nearly(view->shownTimes().length(), before.length() * 0.64, 1e-6));
    QVERIFY(nearly(timeAt(*view, at.x()), time, 1e-6));
    turnWheel(*view, at, -5);
    QVERIFY(view->shownTimes() == before); // never further out than everything
    turnWheel(*view, at, 500);
    QVERIFY(view->shownTimes().length() > 0);
}

void TimelineTest::theWheelWithModifiersScrolls()
{
    const auto view = shown({byHand("a"), byHand("b"), byHand("c")}, {600, 200});
    const QPoint at = pointAt(*view, 20);
    turnWheel(*view, at, 3);
    const TimeRange zoomed = view->shownTimes();
    turnWheel(*view, at, -1, Qt::ShiftModifier);
    QVERIFY(view->shownTimes().from > zoomed.from && nearly(view->shownTimes().length(), zoomed.length(), 1e-6));
    const TimeRange moved = view->shownTimes();
    turnWheel(*view, at, -1, Qt::ControlModifier);
    QVERIFY(view->plot().scrolled() > 0);
    turnWheel(*view, QPoint(10, at.y()), 1); // over the names
    QCOMPARE(view->plot().scrolled(), 0.0);
    QVERIFY(view->shownTimes() == moved);
}

void TimelineTest::aDragMovesTheView()
{
    const auto view = shown({byHand()});
    view->showTimes({10, 20});
    view->plot().replot();
    const QPoint at = pointAt(*view, 15);
    const double time = timeAt(*view, at.x());
    QSignalSpy shownTimes(view.get(), &TimelineView::timesShown);
    drag(*view, at, at + QPoint(60, 0));
    QVERIFY(nearly(timeAt(*view, at.x() + 60), time, 1e-3));
    QVERIFY(nearly(view->shownTimes().length(), 10, 1e-6));
    QVERIFY(!shownTimes.isEmpty());
}

void TimelineTest::aDoubleClickShowsOneInstruction()
{
    const auto view = shown({byHand()});
    const TimeRange before = view->shownTimes();
    QTest::mouseDClick(&view->plot(), Qt::LeftButton, {}, pointAt(*view, 16));
    QVERIFY(sameRange(view->shownTimes(), {13.5, 19.5})); // B0 and half as much on either side
    view->plot().replot();
    QTest::mouseDClick(&view->plot(), Qt::LeftButton, {}, QPoint(pointAt(*view, 16).x(), view->plot().axisRect()->top() + 2));
    QVERIFY(view->shownTimes() == before);
}

void TimelineTest::everyKeyDoesWhatItsActionSays()
{
    const auto view = shown({byHand()});
    view->showTimes({15, 25});
    const auto after = [&](Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        view->showTimes({15, 25});
        press(*view, key, modifiers);
        return view->shownTimes();
    };
    for (const Qt::Key key : {Qt::Key_W, Qt::Key_Plus, Qt::Key_Equal})
        QVERIFY(sameRange(after(key), {16, 24}));
    for (const Qt::Key key : {Qt::Key_S, Qt::Key_Minus})
        QVERIFY(sameRange(after(key), {13.75, 26.25}));
    for (const Qt::Key key : {Qt::Key_A, Qt::Key_Left})
        QVERIFY(sameRange(after(key), {14, 24}));
    for (const Qt::Key key : {Qt::Key_D, Qt::Key_Right})
        QVERIFY(sameRange(after(key), {16, 26}));
    for (const Qt::Key key : {Qt::Key_F, Qt::Key_0})
        QVERIFY(after(key).from < 0 && view->shownTimes().to > 43);

    QSet<QKeySequence> all;
    for (const QAction* action : view->actions()) {
        QVERIFY(action->isSeparator() || !action->text().isEmpty());
        for (const QKeySequence& shortcut : action->shortcuts()) {
            QVERIFY2(!all.contains(shortcut), qPrintable(shortcut.toString()));
            all << shortcut;
            QCOMPARE(action->shortcutContext(), Qt::WidgetWithChildrenShortcut);
        }
    }
}

void TimelineTest::escapeGoesBackOneViewAndThenToEverything()
{
    const auto view = shown({byHand()});
    const TimeRange everything = view->shownTimes();
    view->showTimes({10, 30});
    view->showTimes({15, 20});
    view->setCursors({16});
    press(*view, Qt::Key_Escape);
    QVERIFY(sameRange(view->shownTimes(), {10, 30}));
    press(*view, Qt::Key_Escape);
    QVERIFY(sameRange(view->shownTimes(), everything));
    QCOMPARE(view->cursors().size(), 1U);
    press(*view, Qt::Key_Escape);
    QVERIFY(view->cursors().empty());
}

void TimelineTest::theHistoryGoesBackAndForth()
{
    const auto view = shown({byHand()});
    view->showTimes({10, 30});
    view->showTimes({15, 20});
    press(*view, Qt::Key_Left, Qt::AltModifier);
    QVERIFY(sameRange(view->shownTimes(), {10, 30}));
    press(*view, Qt::Key_Right, Qt::AltModifier);
    QVERIFY(sameRange(view->shownTimes(), {15, 20}));
    press(*view, Qt::Key_Left, Qt::AltModifier);
    view->showTimes({1, 2});
    press(*view, Qt::Key_Right, Qt::AltModifier); // no way forward any more
    QVERIFY(sameRange(view->shownTimes(), {1, 2}));
    press(*view, Qt::Key_Left, Qt::AltModifier);
    QVERIFY(sameRange(view->shownTimes(), {10, 30}));
}

void TimelineTest::aRangeCanBeTyped()
{
    const auto view = shown({byHand()});
    press(*view, Qt::Key_G);
    auto* field = view->findChild<QLineEdit*>("timelineRange");
    QVERIFY(field->hasFocus());
    QTest::keyClicks(field, "12.5..30");
    QTest::keyClick(field, Qt::Key_Return);
    QVERIFY(sameRange(view->shownTimes(), {12.5, 30}));
    QVERIFY(view->plot().hasFocus());

    press(*view, Qt::Key_W);
    const std::optional<TimeRange> read = rangeFromText(field->text()); // it shows what is in view
    QVERIFY(read && nearly(read->from, view->shownTimes().from, 0.1) && nearly(read->to, view->shownTimes().to, 0.1));
    view->showTimes({12.5, 30});
    press(*view, Qt::Key_G);
    QTest::keyClicks(field, "soon");
    QTest::keyClick(field, Qt::Key_Return);
    QVERIFY(readout(*view).contains("soon") && field->hasFocus());
    QTest::keyClick(field, Qt::Key_Escape);
    QVERIFY(view->plot().hasFocus());
    QVERIFY(sameRange(view->shownTimes(), {12.5, 30}));
}

void TimelineTest::typedRangesAreUnderstood_data()
{
    QTest::addColumn<double>("from");
    QTest::addColumn<double>("to");
    QTest::newRow("12.3..14.9") << 12.3 << 14.9;
    QTest::newRow("12.3 to 14.9 ms") << 12.3 << 14.9;
    QTest::newRow(" 12 ms - 15 ms ") << 12.0 << 15.0;
    QTest::newRow("-1..2") << -1.0 << 2.0;
    QTest::newRow("1,000 .. 2,000.5") << 1000.0 << 2000.5;
    QTest::newRow("3 4") << 3.0 << 4.0;
    for (const char* none : {"", "4..3", "4..4", "4", "a..b", "1..2..3", "inf..3"})
        QTest::newRow(none) << 0.0 << 0.0;
}

void TimelineTest::typedRangesAreUnderstood()
{
    QFETCH(double, from);
    QFETCH(double, to);
    const std::optional<TimeRange> times = rangeFromText(QString::fromLatin1(QTest::currentDataTag()));
    QCOMPARE(times.has_value(), to > from);
    if (times)
        QVERIFY((*times == TimeRange{from, to}));
}

void TimelineTest::commaAndFullStopGoFromInstructionToInstruction()
{
    const auto view = shown({byHand()});
    view->showTimes({9, 14});
    view->plot().replot();
    QSignalSpy chosen(view.get(), &TimelineView::chosenChanged);
    QTest::mouseClick(&view->plot(), Qt::LeftButton, {}, pointAt(*view, 12));
    QVERIFY((view->chosen() == SpanPlace{0, 0, false, 6}));
    QVERIFY(readout(*view).startsWith("teacher forward of block 0, device 0, step 1"));
    press(*view, Qt::Key_Period);
    press(*view, Qt::Key_Period);
    QVERIFY((view->chosen() == SpanPlace{0, 0, false, 8})); // B0 at 15, out of view before
    QVERIFY(view->shownTimes().from <= 15 && view->shownTimes().to >= 18);
    press(*view, Qt::Key_Comma);
    QVERIFY((view->chosen() == SpanPlace{0, 0, false, 7}));
    press(*view, Qt::Key_Down, Qt::ShiftModifier);
    QVERIFY((view->chosen() == SpanPlace{0, 0, true, 2})); // the next transfer: one at 14 has ended
    press(*view, Qt::Key_Down, Qt::ShiftModifier);
    QCOMPARE(view->chosen()->device, 1U);
    press(*view, Qt::Key_Up, Qt::ShiftModifier);
    QCOMPARE(view->chosen()->device, 0U);
    QVERIFY(chosen.count() >= 7);
    view->choose({0, 0, false, 0});
    press(*view, Qt::Key_Comma); // nothing before it
    QCOMPARE(view->chosen()->span, 0U);
    QVERIFY(view->shownTimes().from <= 0);
}

void TimelineTest::axesAreLinkedUnlessEachHasItsOwn()
{
    const auto view = shown({byHand("fast"), byHand("slow", 4, 2)});
    QVERIFY(view->shownTimes(0) == view->shownTimes(1));
    QVERIFY(view->shownTimes(0).to > 80);
    turnWheel(*view, pointAt(*view, 20), 3);
    QVERIFY(view->shownTimes(0) == view->shownTimes(1));

    press(*view, Qt::Key_T);
    QCOMPARE(view->axisMode(), TimelineView::AxisMode::Own);
    view->plot().replot();
    QVERIFY(view->shownTimes(0).to < 50 && view->shownTimes(1).to > 80);
    const TimeRange other = view->shownTimes(0);
    turnWheel(*view, pointAt(*view, 20, 1), 3);
    QVERIFY(view->shownTimes(0) == other);
    QVERIFY(view->shownTimes(1).length() < 50);
    press(*view, Qt::Key_T);
    QVERIFY(view->shownTimes(0) == view->shownTimes(1));
}

void TimelineTest::newTimelinesKeepWhatTheUserLooksAt()
{
    const auto view = shown({byHand()});
    view->setTimelines({byHand("tr+dpu", 4, 2)});
    QVERIFY(view->shownTimes().to > 86); // everything still
    view->showTimes({20, 40});
    view->choose({0, 0, false, 6});
    view->select({22, 26}, {{0, 0}});
    view->setTimelines({byHand("tr+dpu", 4, 1.9), byHand()});
    QVERIFY(sameRange(view->shownTimes(), {20, 40}));
    QVERIFY(nearly(view->timelines()[0]->devices[0].work.spans[view->chosen()->span].start, 11 * 1.9));
    QVERIFY(nearly(view->selection().devices[0].busy, 4)); // T0, then F0, until 26
    view->setTimelines({byHand("tr+dpu", 1)}); // ends before what was in view
    QVERIFY(view->shownTimes().from < 13 && view->shownTimes().to < 14);
    QVERIFY(!view->chosen());
    view->setTimelines({});
    QVERIFY(view->timelines().empty() && view->selection().empty());
    press(*view, Qt::Key_Period);
    press(*view, Qt::Key_C);
    press(*view, Qt::Key_W);
    turnWheel(*view, {100, 100}, 1);
}

void TimelineTest::timelinesMayChangeInTheMiddleOfADrag_data()
{
    QTest::addColumn<int>("modifiers");
    QTest::newRow("moving") << 0;
    QTest::newRow("selecting") << static_cast<int>(Qt::ShiftModifier);
    QTest::newRow("a cursor") << static_cast<int>(Qt::ControlModifier);
}

void TimelineTest::timelinesMayChangeInTheMiddleOfADrag()
{
    QFETCH(int, modifiers);
    const auto view = shown({byHand("a"), byHand("b")});
    view->setAxisMode(TimelineView::AxisMode::Own);
    view->plot().replot();
    turnWheel(*view, pointAt(*view, 15), 3);
    const QPoint from = pointAt(*view, 15, 1);
    for (const std::size_t count : {1U, 0U, 2U}) {
        view->setTimelines({byHand("a"), byHand("b")});
        QTest::mousePress(&view->plot(), Qt::LeftButton, Qt::KeyboardModifiers(modifiers), from);
        QTest::mouseMove(&view->plot(), from + QPoint(20, 0));
        view->setTimelines(std::vector<DrawnTimelinePtr>(count, byHand("c")));
        QTest::mouseMove(&view->plot(), from + QPoint(60, 10));
        view->plot().replot();
        QTest::mouseRelease(&view->plot(), Qt::LeftButton, Qt::KeyboardModifiers(modifiers), from + QPoint(60, 10));
        QCOMPARE(view->timelines().size(), count);
    }
}

void TimelineTest::manyRowsScroll()
{
    const auto view = shown({manySpans(32, 320)});
    auto* bar = view->findChild<QScrollBar*>();
    QTRY_VERIFY(bar->isVisible() && bar->maximum() > 100);
    view->choose({0, 31, false, 0});
    view->plot().replot();
    QVERIFY(view->plot().axisRect()->rect().contains(middleOf(*view, {0, 31, false, 0})));
    QVERIFY(bar->maximum() - bar->value() < 10); // the space below the last row
    bar->setValue(0);
    QCOMPARE(view->plot().scrolled(), 0.0);
    press(*view, Qt::Key_Down);
    QVERIFY(view->plot().scrolled() > 0);
    QCOMPARE(bar->value(), static_cast<int>(view->plot().scrolled()));
}

void TimelineTest::everyColumnShowsWhatRunsThere_data()
{
    QTest::addColumn<int>("count");
    QTest::addColumn<double>("longest");
    QTest::newRow("mostly bars") << 60 << 100.0;
    QTest::newRow("bars and stacks") << 400 << 10.0;
    QTest::newRow("mostly stacks") << 20'000 << 1.0;
}

// Of the colours in a column of pixels only those of what runs there, or next to it; and a bar of some pixels is seen in all of
// them.
void TimelineTest::everyColumnShowsWhatRunsThere()
{
    QFETCH(int, count);
    QFETCH(double, longest);
    const DrawnTimelinePtr timeline = random(7, count, longest);
    const auto view = shown({timeline});
    for (const double zoom : {1.0, 0.31}) {
        view->showTimes({0, timeline->end * zoom});
        view->plot().replot();
        const QImage image = view->plot().toPixmap(view->plot().width(), view->plot().height()).toImage();
        const std::vector<DrawnSpan>& spans = timeline->devices[0].work.spans;
        const QRect lane = view->plot().barOf({0, 0, false, 0}).toRect();
        const QCPAxis& axis = *view->plot().xAxis;
        const QRect inner = view->plot().axisRect()->rect();
        std::vector<std::array<bool, activities.size()>> near(static_cast<std::size_t>(image.width())); // runs within a pixel
        std::vector<int> whole(static_cast<std::size_t>(image.width()), -1); // all of the column is one activity's
        for (const DrawnSpan& span : spans) {
            const double from = axis.coordToPixel(span.start);
            const double to = axis.coordToPixel(span.end);
            for (int x = std::max(inner.left(), static_cast<int>(from) - 1); x <= std::min(inner.right(), static_cast<int>(to) + 1);
                 ++x)
                near[static_cast<std::size_t>(x)][static_cast<std::size_t>(span.activity)] = true;
            for (int x = std::max(inner.left(), static_cast<int>(std::ceil(from))); x + 1 <= std::min(inner.right() + 1.0, to); ++x)
                whole[static_cast<std::size_t>(x)] = static_cast<int>(span.activity);
        }
        int bars = 0;
        for (int x = inner.left(); x <= inner.right(); ++x) {
            std::array<int, activities.size()> seen{};
            for (int y = lane.top(); y < lane.top() + lane.height(); ++y)
                for (const Activity activity : activities)
                    seen[static_cast<std::size_t>(activity)] += image.pixelColor(x, y) == activityColor(activity) ? 1 : 0;
            for (const Activity activity : activities) {
                const auto i = static_cast<std::size_t>(activity);
                const QByteArray where = activityName(activity).toUtf8() + " at " + QByteArray::number(x);
                QVERIFY2(seen[i] == 0 || near[static_cast<std::size_t>(x)][i], where.constData());
            }
            const int activity = whole[static_cast<std::size_t>(x)];
            if (activity < 0 || image.pixel(x, lane.top() + 1) == activityEdgeColor(static_cast<Activity>(activity)).rgb())
                continue; // the edge of a bar
            ++bars;
            QVERIFY2(seen[static_cast<std::size_t>(activity)] > 2, qPrintable(QString::number(x)));
        }
        QVERIFY(bars > 0 || count > 1000);
    }
}

void TimelineTest::aChangeOfThemeRecoloursEverything()
{
    const auto view = shown({byHand()});
    const auto paper = [&] {
        view->plot().replot();
        return view->plot().grab().toImage().pixelColor(3, view->plot().height() - 3);
    };
    const auto idle = [&] { return view->plot().grab().toImage().pixelColor(pointAt(*view, 9.5)); };
    applyTheme(Theme::Dark);
    QTRY_VERIFY(paper().lightness() < 60);
    QVERIFY(idle().lightness() < 120 && idle() != paper());
    applyTheme(Theme::Light);
    QTRY_VERIFY(paper().lightness() > 200);
    QVERIFY(idle().lightness() > 150 && idle() != paper());
}

void TimelineTest::theTableHoldsEveryInstruction()
{
    TimelineTableModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    model.setTimelines({byHand("a"), byHand("b", 2)});
    QCOMPARE(model.rowCount(), 6 * 11);
    for (int row = 0; row < model.rowCount(); ++row)
        QCOMPARE(model.rowOf(model.placeOf(row)), std::optional(row));
    const auto text = [&](int row, int column) { return model.index(row, column).data().toString(); };
    QCOMPARE(text(2, TimelineTableModel::Instruction), "send[T0]>1");
    QCOMPARE(text(2, TimelineTableModel::Words), "send of the teacher's output of block 0 to device 1");
    QCOMPARE(model.index(2, TimelineTableModel::Start).data(TimelineTableModel::SortRole).toDouble(), 3.0);
    QCOMPARE(text(65, TimelineTableModel::Timeline), "b");
    QCOMPARE(text(65, TimelineTableModel::Step), "1");
    model.setTimelines({});
    QCOMPARE(model.rowCount(), 0);
}

void TimelineTest::theTableSortsByNumber()
{
    TimelineTableModel model;
    model.setTimelines({byHand("a", 12, 3)}); // B1 takes 12 ms, B0 9
    QSortFilterProxyModel sorted;
    const QAbstractItemModelTester tester(&sorted, QAbstractItemModelTester::FailureReportingMode::Fatal);
    sorted.setSortRole(TimelineTableModel::SortRole);
    sorted.setSourceModel(&model);
    sorted.sort(TimelineTableModel::Step, Qt::DescendingOrder);
    QCOMPARE(sorted.index(0, TimelineTableModel::Step).data().toString(), "11");
    sorted.sort(TimelineTableModel::Duration, Qt::DescendingOrder);
    QCOMPARE(sorted.index(0, TimelineTableModel::Instruction).data().toString(), "B1");
}

void TimelineTest::exportsAreWhatTheirSuffixSays_data()
{
    QTest::addColumn<QByteArray>("start");
    QTest::newRow("png") << QByteArray("\x89PNG");
    QTest::newRow("pdf") << QByteArray("%PDF-");
    QTest::newRow("svg") << QByteArray("<?xml");
    QTest::newRow("csv") << QByteArray("timeline,kind,device,phase,step,instruction,what,start_ms,end_ms,duration_ms\r\n"
                                       "a,predicted,device 0,0,0,load,load,0,1,1\r\n");
    QTest::newRow("tsv") << QByteArray("timeline\tkind\t");
    QTest::newRow("json") << QByteArray("{");
}

void TimelineTest::exportsAreWhatTheirSuffixSays()
{
    QFETCH(QByteArray, start);
    const QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("timelines.") + QTest::currentDataTag());
    const auto view = shown({byHand("a"), byHand("b"), manySpans(20, 100)});
    view->plot().scrollRows(50);
    const double scrolled = view->plot().scrolled();

    exportTimelines(*view, file);

    const QByteArray contents = contentsOf(file);
    QVERIFY2(contents.startsWith(start), contents.left(200).constData());
    QCOMPARE(view->plot().scrolled(), scrolled);
    if (file.endsWith("png"))
        QVERIFY(QImage(file).height() > 2 * view->plot().height()); // the rows out of view, too
    if (file.endsWith("svg"))
        QVERIFY(QSvgRenderer(contents).isValid() && contents.contains("device 19"));
    if (file.endsWith("csv"))
        QCOMPARE(contents.count("\r\n"), 1 + 44 + 44 + 100);
    if (file.endsWith("json"))
        QVERIFY(QJsonDocument::fromJson(contents).object().contains("traceEvents") && contents.contains("a device 0"));
}

void TimelineTest::namesFromFilesAreNoFormulas()
{
    const QByteArray table = timelineTable({byHand("=1+1, \"x\"", 1)}, TableFormat::Csv);
    QVERIFY(table.contains("\r\n\"'=1+1, \"\"x\"\"\",predicted,"));
    QVERIFY(timelineTable({byHand("a\tb", 1)}, TableFormat::Tsv).contains("\na b\tpredicted"));
}

void TimelineTest::refusedExportsSayWhy()
{
    const auto view = shown({byHand()});
    QVERIFY(errorOf([&] { exportTimelines(*view, "timeline.gif"); }).contains(".svg"));
    for (const char* suffix : {"png", "csv", "json"})
        QVERIFY2(errorOf([&] { exportTimelines(*view, QStringLiteral("/proc/none/t.") + suffix); }).contains("/proc/none"), suffix);
}

void TimelineTest::aHundredThousandSpansDoNotBlock()
{
    const DrawnTimelinePtr many = manySpans(8, 100'000);
    const DrawnTimelinePtr others = manySpans(8, 100'000);
    const auto view = shown({byHand()}, {1600, 600});
    const Watchdog watchdog;
    for (int i = 0; i < 10; ++i) {
        view->setTimelines({i % 2 == 0 ? many : others});
        QApplication::processEvents();
    }
    press(*view, Qt::Key_W);
    QApplication::processEvents();
    press(*view, Qt::Key_A, Qt::ControlModifier);
    QApplication::processEvents();
    QCOMPARE(view->selection().devices.size(), 8U);
    QVERIFY2(watchdog.longestBlock() < 100, qPrintable(QString::number(watchdog.longestBlock())));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::TimelineTest)
#include "test_timeline.moc"
