#include "gui/timeline/timeline_view.h"

#include "gui/kit/labels.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_sums_panel.h"
#include "gui/timeline/timeline_words.h"

#include <QAction>
#include <QContextMenuEvent>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QMenu>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

TimelineView::TimelineView(QWidget* parent)
    : QWidget(parent)
    , m_plot(new TimelinePlot(this))
    , m_scrollBar(new QScrollBar(Qt::Vertical, this))
    , m_sums(new TimelineSumsPanel(this))
    , m_range(new QLineEdit(this))
    , m_readout(selectableLabel(this))
{
    setFocusProxy(m_plot);
    m_scrollBar->hide();
    m_sums->setObjectName(QStringLiteral("timelineSums"));
    m_sums->hide();
    m_readout->setObjectName(QStringLiteral("timelineReadout"));
    m_readout->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_range->setObjectName(QStringLiteral("timelineRange"));
    m_range->setPlaceholderText(tr("from..to"));
    m_range->setAccessibleName(tr("Visible range, from..to in milliseconds"));
    m_range->setToolTip(tr("Visible range: type from..to in milliseconds and press Enter (G)"));
    m_range->setMaximumWidth(fontMetrics().horizontalAdvance(QStringLiteral("10,000.000..10,000.000")) + 16);
    m_range->installEventFilter(this);
    layOut();
    makeActions();
    connect(m_range, &QLineEdit::returnPressed, this, &TimelineView::goToTypedRange);
    connect(m_scrollBar, &QScrollBar::valueChanged, this, [this](int value) { m_plot->scrollRows(value - m_plot->scrolled()); });
    connect(m_sums, &TimelineSumsPanel::closed, this, [this] {
        m_plot->select({}, {});
        m_plot->setFocus();
    });
    connectPlot();
}

TimelineView::~TimelineView() = default;

void TimelineView::layOut()
{
    auto* rangeLabel = new QLabel(tr("Visible range (&ms):"), this);
    rangeLabel->setBuddy(m_range);

    auto* body = new QHBoxLayout;
    body->setSpacing(0);
    body->addWidget(m_plot, 1);
    body->addWidget(m_scrollBar);
    auto* foot = new QHBoxLayout;
    foot->setContentsMargins(6, 0, 6, 2);
    foot->addWidget(m_readout, 1);
    foot->addWidget(rangeLabel);
    foot->addWidget(m_range);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(0, 0, 0, 0);
    all->setSpacing(2);
    all->addLayout(body, 1);
    all->addWidget(m_sums);
    all->addLayout(foot);
}

void TimelineView::connectPlot()
{
    connect(m_plot, &TimelinePlot::viewChanged, this, &TimelineView::followView);
    connect(m_plot, &TimelinePlot::hoveredChanged, this, [this](const std::optional<SpanPlace>& place) {
        showReadout();
        emit hovered(place ? m_plot->wordsFor(*place) : QString());
    });
    connect(m_plot, &TimelinePlot::chosenChanged, this, [this](const SpanPlace& place) {
        showReadout();
        emit chosenChanged(place);
    });
    connect(m_plot, &TimelinePlot::cursorsChanged, this, [this](const std::vector<double>& times) {
        showReadout();
        emit cursorsChanged(times);
    });
    connect(m_plot, &TimelinePlot::selectionChanged, this, [this](const TimelineSums& sums) {
        if (!sums.empty())
            m_sums->show(sums);
        m_sums->setVisible(!sums.empty());
        emit selectionChanged(sums);
    });
    connect(m_plot, &TimelinePlot::timesShown, this, &TimelineView::timesShown);
}

QAction* TimelineView::addAct(
    const char* name, const QString& text, const QList<QKeySequence>& shortcuts, const std::function<void()>& body)
{
    auto* action = new QAction(text, this);
    action->setObjectName(QLatin1String(name));
    action->setShortcuts(shortcuts);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, body);
    addAction(action);
    return action;
}

void TimelineView::makeActions()
{
    const auto separate = [this] {
        auto* line = new QAction(this);
        line->setSeparator(true);
        addAction(line);
    };
    TimelinePlot* const plot = m_plot;
    addAct("timelineFit", tr("Show &everything"), {Qt::Key_F, Qt::Key_0}, [plot] { plot->fit(); });
    addAct("timelineZoomIn", tr("Zoom &in"), {Qt::Key_Plus, Qt::Key_W, Qt::Key_Equal}, [plot] { plot->zoom(0.8, Gesture::Keys); });
    addAct("timelineZoomOut", tr("Zoom &out"), {Qt::Key_Minus, Qt::Key_S}, [plot] { plot->zoom(1.25, Gesture::Keys); });
    addAct("timelineEarlier", tr("Move to &earlier times"), {Qt::Key_A, Qt::Key_Left},
        [plot] { plot->moveTimes(-0.1, Gesture::Keys); });
    addAct(
        "timelineLater", tr("Move to &later times"), {Qt::Key_D, Qt::Key_Right}, [plot] { plot->moveTimes(0.1, Gesture::Keys); });
    addAct("timelineUp", tr("Scroll rows &up"), {Qt::Key_Up}, [plot] { plot->scrollRows(-plot->rowHeight()); });
    addAct("timelineDown", tr("Scroll rows &down"), {Qt::Key_Down}, [plot] { plot->scrollRows(plot->rowHeight()); });
    addAct("timelinePageUp", tr("A page of rows up"), {Qt::Key_PageUp}, [plot] { plot->scrollRows(-0.8 * plot->height()); });
    addAct("timelinePageDown", tr("A page of rows down"), {Qt::Key_PageDown}, [plot] { plot->scrollRows(0.8 * plot->height()); });
    addAct("timelineRange", tr("&Go to times…"), {Qt::Key_G}, [this] {
        m_range->selectAll();
        m_range->setFocus(Qt::ShortcutFocusReason);
    });
    addAct("timelineBack", tr("Zoom &back"), {QKeySequence(Qt::ALT | Qt::Key_Left)}, [plot] { plot->goBack(); });
    addAct("timelineForward", tr("Zoom &forward"), {QKeySequence(Qt::ALT | Qt::Key_Right)}, [plot] { plot->goForward(); });
    addAct("timelineEscape", tr("Zoom back, then show everything"), {Qt::Key_Escape}, [this] {
        if (m_plot->canGoBack())
            m_plot->goBack();
        else
            clearMarks();
    });
    separate();
    addAct("timelinePrevious", tr("&Previous instruction"), {Qt::Key_Comma}, [plot] { plot->chooseNeighbour(-1); });
    addAct("timelineNext", tr("&Next instruction"), {Qt::Key_Period}, [plot] { plot->chooseNeighbour(1); });
    addAct("timelineAbove", tr("Instruction &above"), {QKeySequence(Qt::SHIFT | Qt::Key_Up)}, [plot] { plot->chooseInRow(-1); });
    addAct("timelineBelow", tr("Instruction belo&w"), {QKeySequence(Qt::SHIFT | Qt::Key_Down)}, [plot] { plot->chooseInRow(1); });
    addAct("timelineSelectShown", tr("&Select what is shown"), {QKeySequence::SelectAll}, [plot] { plot->selectShown(); });
    addAct("timelineCursor", tr("Set a &cursor"), {Qt::Key_C}, [plot] { plot->placeCursor(); });
    addAct(
        "timelineClear", tr("Clear selection and cursors"), {QKeySequence(Qt::SHIFT | Qt::Key_Escape)}, [this] { clearMarks(); });
    separate();
    m_ownAxes = addAct("timelineOwnAxes", tr("Separate &time axes"), {Qt::Key_T},
        [this] { setAxisMode(m_ownAxes->isChecked() ? AxisMode::Own : AxisMode::Shared); });
    m_ownAxes->setCheckable(true);
    m_memory = addAct("timelineMemory", tr("Show &memory"), {Qt::Key_M}, [this] { m_plot->setMemoryShown(m_memory->isChecked()); });
    m_memory->setCheckable(true);
    addAct("timelineExport", tr("E&xport…"), {}, [this] { emit exportRequested(); });
}

void TimelineView::setTimelines(std::vector<DrawnTimelinePtr> timelines)
{
    m_plot->setTimelines(std::move(timelines), false);
    showReadout();
}

void TimelineView::setOverlay(DrawnTimelinePtr predicted, DrawnTimelinePtr measured)
{
    m_plot->setTimelines({std::move(predicted), std::move(measured)}, true);
    showReadout();
}

const std::vector<DrawnTimelinePtr>& TimelineView::timelines() const
{
    return m_plot->timelines();
}

void TimelineView::setEmptyText(const QString& text)
{
    m_plot->setEmptyText(text);
}

void TimelineView::setAxisMode(AxisMode mode)
{
    m_ownAxes->setChecked(mode == AxisMode::Own);
    if (mode == axisMode())
        return;
    m_plot->setOwnAxes(mode == AxisMode::Own);
    emit axisModeChanged(mode);
}

TimelineView::AxisMode TimelineView::axisMode() const
{
    return m_plot->ownAxes() ? AxisMode::Own : AxisMode::Shared;
}

void TimelineView::setMemoryShown(bool shown)
{
    m_memory->setChecked(shown);
    m_plot->setMemoryShown(shown);
}

TimeRange TimelineView::shownTimes(std::size_t timeline) const
{
    return m_plot->shownTimes(timeline);
}

void TimelineView::showTimes(TimeRange times)
{
    m_plot->showTimes(times);
}

void TimelineView::fit()
{
    m_plot->fit();
}

void TimelineView::select(TimeRange times, const std::vector<RowPlace>& rows)
{
    m_plot->select(times, rows);
}

const TimelineSums& TimelineView::selection() const
{
    return m_plot->selection();
}

void TimelineView::setCursors(const std::vector<double>& times)
{
    m_plot->setCursors(times);
}

const std::vector<double>& TimelineView::cursors() const
{
    return m_plot->cursors();
}

void TimelineView::clearMarks()
{
    m_plot->select({}, {});
    m_plot->setCursors({});
    m_plot->choose(std::nullopt, false);
    showReadout();
}

void TimelineView::choose(const SpanPlace& place)
{
    m_plot->choose(place, true);
}

std::optional<SpanPlace> TimelineView::chosen() const
{
    return m_plot->chosen();
}

void TimelineView::goToTypedRange()
{
    const std::optional<TimeRange> times = rangeFromText(m_range->text());
    if (!times) {
        m_readout->setText(tr("“%1” is not a time range: type from..to in milliseconds, e.g. 12.5..30").arg(m_range->text()));
        m_range->selectAll();
        return;
    }
    m_plot->setFocus();
    m_plot->showTimes(*times);
    followView();
    showReadout();
}

// The cursors, and the instruction under the pointer or else the chosen one.
void TimelineView::showReadout()
{
    QStringList all;
    const std::vector<double>& cursors = m_plot->cursors();
    if (cursors.size() == 1)
        all << tr("cursor 1: %1").arg(timeText(cursors[0], 0.001));
    if (cursors.size() == 2) {
        const double difference = cursors[1] - cursors[0];
        QString text = tr("cursors: %1 to %2, difference %3")
                           .arg(timeText(cursors[0], 0.001), timeText(cursors[1], 0.001), timeText(difference, 0.001));
        if (m_plot->cursorTimeline() < timelines().size()) {
            const DrawnTimeline& timeline = *timelines()[m_plot->cursorTimeline()];
            if (timeline.stepPeriod > 0)
                text += tr(" = %1 steps").arg(QLocale().toString(difference / timeline.stepPeriod, 'f', 2))
                    + (timelines().size() > 1 ? tr(" of %1").arg(timeline.name) : QString());
        }
        all << text;
    }
    const std::optional<SpanPlace> place = m_plot->hoveredSpan() ? m_plot->hoveredSpan() : m_plot->chosen();
    if (place)
        all << m_plot->wordsFor(*place);
    m_readout->setText(all.join(QStringLiteral("   |   ")));
    m_readout->setToolTip(all.join(QLatin1Char('\n')).toHtmlEscaped());
}

void TimelineView::followView()
{
    if (!m_range->hasFocus() && !timelines().empty()) {
        const TimeRange shown = shownTimes(chosen() ? chosen()->timeline : 0);
        const int decimals = std::clamp(static_cast<int>(std::ceil(2 - std::log10(shown.length()))), 0, 6);
        const auto text = [&](double time) { return QLocale().toString(time, 'f', decimals); };
        m_range->setText(QStringLiteral("%1..%2").arg(text(shown.from), text(shown.to)));
        m_range->setCursorPosition(0);
    }
    const QSignalBlocker silent(m_scrollBar);
    const int page = m_plot->axisRect()->height();
    const int hidden = std::max(0, static_cast<int>(std::ceil(m_plot->contentHeight() - page)));
    m_scrollBar->setRange(0, hidden);
    m_scrollBar->setPageStep(std::max(1, page));
    m_scrollBar->setSingleStep(static_cast<int>(m_plot->rowHeight()));
    m_scrollBar->setValue(static_cast<int>(m_plot->scrolled()));
    m_scrollBar->setVisible(hidden > 0);
}

void TimelineView::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    menu.addActions(actions());
    menu.exec(event->globalPos());
}

bool TimelineView::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_range && (event->type() == QEvent::ShortcutOverride || event->type() == QEvent::KeyPress)) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Escape) { // leaves the field, not the zoom
            event->accept();
            if (event->type() == QEvent::KeyPress) {
                m_plot->setFocus();
                followView();
            }
            return true;
        }
    }
    return QWidget::eventFilter(watched, event);
}

} // namespace pipebd::gui
