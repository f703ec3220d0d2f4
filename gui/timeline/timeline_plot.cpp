#include "gui/timeline/timeline_plot.h"

#include "gui/charts/plot_dress.h"
#include "gui/timeline/timeline_marks.h"
#include "gui/timeline/timeline_panels.h"
#include "gui/timeline/timeline_ticker.h"
#include "gui/timeline/timeline_words.h"

#include <QEvent>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pipebd::gui {

namespace {

constexpr double leastRow = 24;
constexpr double mostRow = 46;
constexpr double memoryRow = 20;
constexpr double panelGap = 8;
constexpr double marginShare = 0.01; // of the extent, before and behind it

} // namespace

TimelinePlot::TimelinePlot(QWidget* parent)
    : QCustomPlot(parent)
    , m_view{{{0, 1}}, true}
    , m_viewPressed(m_view)
{
    setObjectName(QStringLiteral("timelinePlot"));
    setAccessibleName(tr("Timelines"));
    setAccessibleDescription(
        tr("Gantt charts, one row per device. Comma and full stop step through instructions, + and - zoom, F shows everything."));
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumSize(220, 120);
    setInteractions(QCP::iNone);

    m_legend = new TimelineLegend(this);
    plotLayout()->setRowSpacing(0);
    plotLayout()->insertRow(0);
    plotLayout()->addElement(0, 0, m_legend);
    plotLayout()->setRowStretchFactor(0, 0.001);

    axisRect()->setAutoMargins(QCP::msNone);
    xAxis->setTicker(QSharedPointer<QCPAxisTicker>(new MillisecondsTicker));
    xAxis->setLabel(tr("time (ms)"));
    xAxis->setLabelPadding(2);
    yAxis->setVisible(false);
    yAxis->setRangeReversed(true);
    yAxis->grid()->setVisible(false);

    addLayer(QStringLiteral("marks"), layer(QStringLiteral("overlay")), limAbove);
    layer(QStringLiteral("marks"))->setMode(QCPLayer::lmBuffered);
    m_frame = new TimelinePanels(this);
    m_marks = new TimelineMarks(this);
    m_emptyText = addEmptyText(*this, tr("No timeline yet"));
    connect(this, &QCustomPlot::afterLayout, this, &TimelinePlot::arrange);
    recolour();
    applyView();
}

TimelinePlot::~TimelinePlot() = default;

void TimelinePlot::setTimelines(std::vector<DrawnTimelinePtr> timelines, bool overlaid)
{
    const std::vector<DrawnTimelinePtr> before = std::exchange(m_timelines, std::move(timelines));
    const bool samePanels = before.size() == m_timelines.size() && m_overlaid == overlaid && !m_panels.empty();
    m_overlaid = overlaid;
    if (!samePanels)
        rebuildPanels();
    std::int64_t mostMemory = 0; // of all, so that strategies can be compared
    for (const DrawnTimelinePtr& timeline : m_timelines)
        for (const DrawnDevice& device : timeline->devices)
            for (const schedule::MemoryPoint& point : device.memory)
                mostMemory = std::max(mostMemory, point.bytes);
    for (Panel& panel : m_panels) {
        panel.rows = 0;
        for (std::size_t i = 0; i < panel.timelines.size(); ++i) {
            const DrawnTimelinePtr& timeline = m_timelines[panel.timelines[i]];
            const auto slot = panel.timelines.size() == 1 ? GanttPlottable::Slot::Whole
                : i == 0                                  ? GanttPlottable::Slot::Upper
                                                          : GanttPlottable::Slot::Lower;
            panel.gantts[i]->setTimeline(timeline, slot);
            panel.gantts[i]->setMostMemory(mostMemory);
            panel.rows = std::max(panel.rows, timeline->devices.size());
        }
    }
    m_emptyText->setVisible(m_timelines.empty());
    keepMarks(before);

    const std::size_t ranges = m_ownAxes ? m_panels.size() : 1;
    m_view = m_view.everything || m_view.times.size() != ranges ? fitted() : limited(std::move(m_view));
    arrange();
    applyView();
    replot(rpQueuedReplot);
}

// The chosen instruction is the same one of the same step; a selection stays in its rows.
void TimelinePlot::keepMarks(const std::vector<DrawnTimelinePtr>& before)
{
    m_hovered.reset();
    if (m_timelines.empty())
        m_drag = Drag::None;
    if (m_chosen) {
        const DrawnTimeline& old = *before[m_chosen->timeline];
        const DrawnSpan& was = old.devices[m_chosen->device].track(m_chosen->communication).spans[m_chosen->span];
        std::optional<SpanPlace> now;
        if (m_chosen->timeline < m_timelines.size() && m_chosen->device < m_timelines[m_chosen->timeline]->devices.size()) {
            const Track& track = m_timelines[m_chosen->timeline]->devices[m_chosen->device].track(m_chosen->communication);
            const auto same = std::find_if(track.spans.begin(), track.spans.end(),
                [&](const DrawnSpan& span) { return span.step == was.step && span.phase == was.phase && span.index == was.index; });
            if (same != track.spans.end()) {
                now = m_chosen;
                now->span = static_cast<std::size_t>(same - track.spans.begin());
            }
        }
        m_chosen = now;
    }
    m_cursorTimeline = std::min(m_cursorTimeline, m_timelines.empty() ? 0 : m_timelines.size() - 1);
    if (!m_selectedRows.empty())
        announceSelection();
}

void TimelinePlot::setEmptyText(const QString& text)
{
    m_emptyText->setText(text);
    replot(rpQueuedReplot);
}

void TimelinePlot::setOwnAxes(bool own)
{
    if (own == m_ownAxes)
        return;
    m_ownAxes = own;
    m_history.clear();
    m_view = {{}, true};
    m_panels.clear(); // of the other kind
    auto timelines = m_timelines;
    setTimelines(std::move(timelines), m_overlaid);
}

void TimelinePlot::setMemoryShown(bool shown)
{
    m_memoryShown = shown;
    arrange();
    replot(rpQueuedReplot);
}

void TimelinePlot::rebuildPanels()
{
    clearPlottables();
    for (QCPAxis* axis : axisRect()->axes(QCPAxis::atBottom))
        if (axis != xAxis)
            axisRect()->removeAxis(axis);
    m_panels.clear();
    for (std::size_t i = 0; i < m_timelines.size(); ++i) {
        if (m_overlaid && i == 1) {
            m_panels.back().timelines.push_back(i);
        } else {
            Panel panel;
            panel.timelines.push_back(i);
            panel.axis = xAxis;
            if (m_ownAxes) {
                panel.axis = axisRect()->addAxis(QCPAxis::atBottom);
                panel.axis->setVisible(false);
                panel.axis->setTicker(QSharedPointer<QCPAxisTicker>(new MillisecondsTicker));
            }
            m_panels.push_back(panel);
        }
        Panel& panel = m_panels.back();
        panel.gantts.push_back(new GanttPlottable(panel.axis, yAxis));
    }
    xAxis->setVisible(!m_ownAxes);
}

double TimelinePlot::contentHeight() const
{
    return m_panels.empty() ? 0 : m_panels.back().bottom;
}

// After every layout: rows share the height as far as that leaves them readable; else they scroll.
void TimelinePlot::arrange()
{
    const int left = m_frame->namesWidth() + 12;
    const QFontMetrics metrics(font());
    const int bottom = m_ownAxes ? 4 : 2 * metrics.height() + 16;
    const QMargins margins(left, 2, 12, bottom);
    if (axisRect()->margins() != margins) {
        axisRect()->setMargins(margins);
        axisRect()->update(QCPLayoutElement::upMargins);
        axisRect()->update(QCPLayoutElement::upLayout);
    }
    const double available = axisRect()->height();
    const double title = m_frame->titleHeight();
    const double axis = m_ownAxes ? m_frame->axisHeight() : 0;
    std::size_t rows = 0;
    for (const Panel& panel : m_panels)
        rows += panel.rows;
    const double rest = available - static_cast<double>(m_panels.size()) * (title + axis + panelGap);
    const double stretch = m_overlaid ? 1.5 : 1;
    const double memory = m_memoryShown ? memoryRow : 0;
    m_rowHeight = memory
        + std::clamp(std::floor(rest / std::max(1.0, static_cast<double>(rows))) - memory, leastRow * stretch, mostRow * stretch);
    double y = 0;
    for (Panel& panel : m_panels) {
        panel.top = y;
        panel.rowsTop = y + title;
        for (GanttPlottable* gantt : panel.gantts)
            gantt->setRows(panel.rowsTop, m_rowHeight, memory);
        y = panel.rowsTop + static_cast<double>(panel.rows) * m_rowHeight + axis + panelGap;
        panel.bottom = y;
    }
    m_scroll = std::clamp(m_scroll, 0.0, std::max(0.0, contentHeight() - available));
    yAxis->setRange(m_scroll, m_scroll + available);
    emit viewChanged();
}

QSize TimelinePlot::wholeSize() const
{
    const double hidden = std::max(0.0, contentHeight() - axisRect()->height());
    return {width(), height() + static_cast<int>(std::ceil(hidden))};
}

TimeRange TimelinePlot::extent(const Panel& panel) const
{
    double from = 0;
    double to = 0;
    for (const std::size_t i : panel.timelines) {
        from = std::min(from, m_timelines[i]->begin);
        to = std::max(to, m_timelines[i]->end);
    }
    if (to <= from)
        to = from + 1;
    const double margin = marginShare * (to - from);
    return {from - margin, to + margin};
}

TimeRange TimelinePlot::wholeExtent() const
{
    if (m_panels.empty())
        return {0, 1};
    TimeRange all = extent(m_panels.front());
    for (const Panel& panel : m_panels) {
        const TimeRange one = extent(panel);
        all = {std::min(all.from, one.from), std::max(all.to, one.to)};
    }
    return all;
}

TimeRange TimelinePlot::extentOf(std::size_t range) const
{
    return m_ownAxes ? extent(m_panels[range]) : wholeExtent();
}

TimelinePlot::View TimelinePlot::fitted() const
{
    View view{{}, true};
    if (m_ownAxes)
        for (const Panel& panel : m_panels)
            view.times.push_back(extent(panel));
    else
        view.times.push_back(wholeExtent());
    return view;
}

TimelinePlot::View TimelinePlot::limited(View view) const
{
    view.everything = true;
    for (std::size_t i = 0; i < view.times.size() && !m_panels.empty(); ++i) {
        const TimeRange all = extentOf(i);
        view.times[i] = limited(view.times[i], all);
        view.everything = view.everything && view.times[i] == all;
    }
    return view;
}

TimeRange TimelinePlot::limited(TimeRange times, TimeRange extent) const
{
    const double least = std::max(1e-5, extent.length() * 1e-9);
    const double length = std::clamp(times.length(), least, extent.length());
    if (length >= extent.length())
        return extent;
    const double from = std::clamp((times.from + times.to - length) / 2, extent.from, extent.to - length);
    return {from, from + length};
}

void TimelinePlot::applyView()
{
    if (!m_ownAxes) {
        xAxis->setRange(m_view.times.front().from, m_view.times.front().to);
        return;
    }
    for (std::size_t i = 0; i < m_panels.size(); ++i)
        m_panels[i].axis->setRange(m_view.times[i].from, m_view.times[i].to);
}

void TimelinePlot::show(View view, Gesture gesture)
{
    if (m_panels.empty() || view.times.size() != m_view.times.size()) // of panels that are there no more
        return;
    view = limited(std::move(view));
    if (view == m_view)
        return;
    m_history.leave(m_view, gesture);
    goTo(std::move(view));
}

void TimelinePlot::goTo(View view)
{
    m_view = std::move(view);
    applyView();
    replot(rpQueuedReplot);
    if (!m_ownAxes)
        emit timesShown(m_view.times.front());
    emit viewChanged();
}

TimeRange TimelinePlot::shownTimes(std::size_t timeline) const
{
    const Panel* panel = panelOf(timeline);
    const QCPRange range = panel ? panel->axis->range() : xAxis->range();
    return {range.lower, range.upper};
}

const TimelinePlot::Panel* TimelinePlot::panelOf(std::size_t timeline) const
{
    for (const Panel& panel : m_panels)
        if (std::find(panel.timelines.begin(), panel.timelines.end(), timeline) != panel.timelines.end())
            return &panel;
    return nullptr;
}

double TimelinePlot::middleOf(TimeRange times) const
{
    if (m_chosen) {
        const DrawnSpan& span = spanOf(*m_chosen);
        if (const double middle = (span.start + span.end) / 2; middle >= times.from && middle <= times.to)
            return middle;
    }
    return (times.from + times.to) / 2;
}

void TimelinePlot::zoom(double factor, Gesture gesture)
{
    const Panel* at = m_pointer ? panelAt(m_pointer->y()) : nullptr;
    View view = m_view;
    for (std::size_t i = 0; i < view.times.size(); ++i) {
        if (m_ownAxes && at && indexOf(*at) != i)
            continue;
        TimeRange& times = view.times[i];
        const double fixed = at ? std::clamp(timeAt(*at, m_pointer->x()), times.from, times.to) : middleOf(times);
        times = {fixed - (fixed - times.from) * factor, fixed + (times.to - fixed) * factor};
        if (factor > 1) // the fixed point gives way at the ends, so that zooming out ends with everything in view
            times = limited(times, extentOf(i));
    }
    show(std::move(view), gesture);
}

void TimelinePlot::moveTimes(double share, Gesture gesture)
{
    const Panel* at = m_pointer ? panelAt(m_pointer->y()) : nullptr;
    View view = m_view;
    for (std::size_t i = 0; i < view.times.size(); ++i) {
        if (m_ownAxes && at && indexOf(*at) != i)
            continue;
        const double by = share * view.times[i].length();
        view.times[i] = {view.times[i].from + by, view.times[i].to + by};
    }
    show(std::move(view), gesture);
}

void TimelinePlot::showTimes(TimeRange times)
{
    View view = m_view;
    for (TimeRange& one : view.times)
        one = times;
    show(std::move(view), Gesture::Jump);
}

void TimelinePlot::fit()
{
    show(fitted(), Gesture::Jump);
}

bool TimelinePlot::canGoBack() const
{
    return m_history.canGoBack() || !m_view.everything;
}

void TimelinePlot::goBack()
{
    View view = m_history.canGoBack() ? m_history.back(m_view) : fitted();
    if (view.times.size() != m_view.times.size())
        view = fitted();
    goTo(limited(std::move(view)));
}

void TimelinePlot::goForward()
{
    if (!m_history.canGoForward())
        return;
    View view = m_history.forward(m_view);
    if (view.times.size() == m_view.times.size())
        goTo(std::move(view));
}

void TimelinePlot::scrollRows(double pixels)
{
    m_scroll += pixels;
    arrange();
    replot(rpQueuedReplot);
}

void TimelinePlot::recolour()
{
    const QColor text = palette().color(QPalette::Text);
    const QColor line = palette().color(QPalette::Mid);
    setBackground(palette().color(QPalette::Base));
    xAxis->setBasePen(QPen(line, 0));
    xAxis->setTickPen(QPen(line, 0));
    xAxis->setSubTickPen(QPen(line, 0));
    xAxis->setTickLabelColor(text);
    xAxis->setLabelColor(text);
    xAxis->setTickLabelFont(font());
    xAxis->setLabelFont(font());
    QColor faint = line;
    faint.setAlpha(110);
    xAxis->grid()->setPen(QPen(faint, 0));
    xAxis->grid()->setZeroLinePen(QPen(faint, 0));
    m_emptyText->setColor(palette().color(QPalette::PlaceholderText));
    m_emptyText->setFont(font());
}

void TimelinePlot::changeEvent(QEvent* event)
{
    QCustomPlot::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        recolour();
        m_legend->wrap(width());
        replot(rpQueuedReplot);
    }
}

void TimelinePlot::resizeEvent(QResizeEvent* event)
{
    m_legend->wrap(width());
    const int labels = QFontMetrics(font()).horizontalAdvance(QLocale().toString(10'000.55, 'f', 2)) + 30;
    const int ticks = std::clamp((width() - m_frame->namesWidth()) / labels, 2, 12);
    xAxis->ticker()->setTickCount(ticks);
    for (const Panel& panel : m_panels)
        panel.axis->ticker()->setTickCount(ticks);
    QCustomPlot::resizeEvent(event);
}

} // namespace pipebd::gui
