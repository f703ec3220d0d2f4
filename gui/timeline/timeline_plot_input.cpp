// What the mouse does to timelines.
#include "base/units.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_words.h"

#include <QMouseEvent>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double nearby = 5; // pixels

} // namespace

void TimelinePlot::wheelEvent(QWheelEvent* event)
{
    m_pointer = event->position();
    const QPointF turns = QPointF(event->angleDelta()) / 120;
    const double turn = turns.y() != 0 ? turns.y() : turns.x();
    const bool overNames = event->position().x() < axisRect()->left();
    if (overNames || event->modifiers().testFlag(Qt::ControlModifier))
        scrollRows(-turn * m_rowHeight);
    else if (event->modifiers().testFlag(Qt::ShiftModifier) || turns.y() == 0)
        moveTimes(-0.1 * turn, Gesture::Wheel);
    else
        zoom(std::pow(0.8, turn), Gesture::Wheel);
    event->accept();
}

void TimelinePlot::mousePressEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || m_panels.empty())
        return;
    QToolTip::hideText();
    m_pressed = m_pointerBefore = event->position();
    m_viewPressed = m_view;
    m_dragged = false;
    m_drag = Drag::Pan;
    if (event->modifiers().testFlag(Qt::ControlModifier)) {
        setCursorAt(m_pressed);
        m_drag = Drag::Cursor;
    } else if (event->modifiers().testFlag(Qt::ShiftModifier)) {
        m_drag = Drag::Select;
    } else if (const auto cursor = cursorAt(m_pressed)) {
        m_draggedCursor = *cursor;
        m_drag = Drag::Cursor;
    }
    event->accept();
}

void TimelinePlot::mouseMoveEvent(QMouseEvent* event)
{
    const QPointF position = event->position();
    m_pointer = position;
    if (m_drag == Drag::None || !event->buttons().testFlag(Qt::LeftButton)) {
        m_drag = Drag::None;
        hover(position, event->globalPosition().toPoint());
        return;
    }
    m_dragged = m_dragged || (position - m_pressed).manhattanLength() >= 3;
    if (!m_dragged)
        return;
    switch (m_drag) {
    case Drag::Pan: {
        setCursor(Qt::ClosedHandCursor);
        const Panel* at = panelAt(m_pressed.y());
        View view = m_viewPressed;
        for (std::size_t i = 0; i < view.times.size(); ++i) {
            if (m_ownAxes && indexOf(*at) != i)
                continue;
            const double by = view.times[i].length() * (m_pressed.x() - position.x()) / std::max(1, axisRect()->width());
            view.times[i] = {view.times[i].from + by, view.times[i].to + by};
        }
        show(std::move(view), Gesture::Drag);
        if (const double rows = m_pointerBefore.y() - position.y(); rows != 0)
            scrollRows(rows);
        break;
    }
    case Drag::Select:
        selectTo(position);
        break;
    case Drag::Cursor: {
        std::vector<double> cursors = m_cursors;
        if (m_draggedCursor < cursors.size())
            cursors[m_draggedCursor] = snapped(position);
        setCursors(std::move(cursors));
        break;
    }
    case Drag::None:
        break;
    }
    m_pointerBefore = position;
}

void TimelinePlot::mouseReleaseEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton)
        return;
    unsetCursor();
    const Drag drag = std::exchange(m_drag, Drag::None);
    if (drag == Drag::Select && m_dragged) {
        const TimeRange times = std::exchange(m_rubber, {});
        select(times, std::exchange(m_rubberRows, {}));
        marksChanged();
    } else if (drag == Drag::Pan && !m_dragged) {
        const auto place = spanAt(event->position());
        choose(place, false);
        if (!place)
            select({}, {});
    }
}

void TimelinePlot::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || m_panels.empty())
        return;
    const auto place = spanAt(event->position());
    if (!place)
        return fit();
    const DrawnSpan& span = spanOf(*place);
    const double margin = std::max(0.5 * (span.end - span.start), 1e-4);
    View view = m_view;
    view.times[m_ownAxes ? indexOf(*panelOf(place->timeline)) : 0] = {span.start - margin, span.end + margin};
    show(std::move(view), Gesture::Jump);
}

void TimelinePlot::leaveEvent(QEvent* event)
{
    QCustomPlot::leaveEvent(event);
    m_pointer.reset();
    if (m_hovered) {
        m_hovered.reset();
        marksChanged();
        emit hoveredChanged(m_hovered);
    }
}

void TimelinePlot::focusInEvent(QFocusEvent* event)
{
    QCustomPlot::focusInEvent(event);
    marksChanged();
}

void TimelinePlot::focusOutEvent(QFocusEvent* event)
{
    QCustomPlot::focusOutEvent(event);
    marksChanged();
}

void TimelinePlot::hover(const QPointF& position, const QPoint& global)
{
    if (cursorAt(position))
        setCursor(Qt::SplitHCursor);
    else
        unsetCursor();
    const std::optional<SpanPlace> place = spanAt(position);
    if (place)
        QToolTip::showText(global, toolTipFor(*place), this);
    else if (const QString memory = memoryTextAt(position); !memory.isEmpty())
        QToolTip::showText(global, memory.toHtmlEscaped(), this);
    else
        QToolTip::hideText();
    if (place == m_hovered)
        return;
    m_hovered = place;
    marksChanged();
    emit hoveredChanged(m_hovered);
}

QString TimelinePlot::memoryTextAt(const QPointF& position) const
{
    const Panel* panel = panelAt(position.y());
    if (!m_memoryShown || !panel || !axisRect()->rect().contains(position.toPoint()))
        return {};
    const double place = yAxis->pixelToCoord(position.y());
    const DrawnTimeline& timeline = *m_timelines[panel->timelines.front()];
    const double time = timeAt(*panel, position.x());
    for (std::size_t device = 0; device < timeline.devices.size(); ++device) {
        const GanttPlottable::Lane lane = panel->gantts.front()->memoryLane(device);
        const std::vector<schedule::MemoryPoint>& points = timeline.devices[device].memory;
        if (place < lane.top || place > lane.top + lane.height || time > timeline.end)
            continue;
        const auto next = std::upper_bound(
            points.begin(), points.end(), time, [](double at, const schedule::MemoryPoint& point) { return at < point.time; });
        if (next != points.begin())
            return tr("%1 holds %2 at %3")
                .arg(timeline.devices[device].name, QString::fromStdString(format_bytes(std::prev(next)->bytes)),
                    timeText(time, 0.001));
    }
    return {};
}

QString TimelinePlot::toolTipFor(const SpanPlace& place) const
{
    const schedule::Instruction& instruction = m_timelines[place.timeline]->instruction(place.device, spanOf(place));
    return QStringLiteral("<p style=\"white-space:pre-wrap\"><b>%1</b>  %2</p>")
        .arg(QString::fromStdString(to_text(instruction)).toHtmlEscaped(), wordsFor(place).toHtmlEscaped());
}

void TimelinePlot::selectTo(const QPointF& position)
{
    const Panel* panel = panelAt(m_pressed.y());
    const double a = timeAt(*panel, m_pressed.x());
    const double b = timeAt(*panel, std::clamp(position.x(), axisRect()->left() * 1.0, axisRect()->right() + 1.0));
    m_rubber = {std::min(a, b), std::max(a, b)};
    m_rubberRows = rowsBetween(m_pressed.y(), position.y());
    if (m_ownAxes) // other panels have other times there
        std::erase_if(m_rubberRows, [&](const RowPlace& row) { return panelOf(row.timeline) != panel; });
    marksChanged();
}

std::optional<std::size_t> TimelinePlot::cursorAt(const QPointF& position) const
{
    const Panel* panel = panelAt(position.y());
    if (!panel || !axisRect()->rect().contains(position.toPoint()))
        return std::nullopt;
    std::optional<std::size_t> found;
    double distance = nearby;
    for (std::size_t i = 0; i < m_cursors.size(); ++i) {
        const double away = std::abs(panel->axis->coordToPixel(m_cursors[i]) - position.x());
        if (away <= distance) {
            found = i;
            distance = away;
        }
    }
    return found;
}

double TimelinePlot::snapped(const QPointF& position) const
{
    const Panel& panel = *panelAt(position.y());
    const double time = timeAt(panel, position.x());
    const std::optional<SpanPlace> place = spanAt(position);
    if (!place)
        return time;
    const double reach = timeAt(panel, position.x() + nearby) - time;
    const DrawnSpan& span = spanOf(*place);
    const double closest = std::abs(span.start - time) <= std::abs(span.end - time) ? span.start : span.end;
    return std::abs(closest - time) <= reach ? closest : time;
}

void TimelinePlot::setCursorAt(const QPointF& position)
{
    const double time = snapped(position);
    std::vector<double> cursors = m_cursors;
    if (cursors.size() < 2) {
        cursors.push_back(time);
        m_draggedCursor = cursors.size() - 1;
    } else {
        m_draggedCursor = std::abs(cursors[0] - time) <= std::abs(cursors[1] - time) ? 0 : 1;
        cursors[m_draggedCursor] = time;
    }
    const Panel& panel = *panelAt(position.y());
    m_cursorTimeline = panel.timelines.front();
    setCursors(std::move(cursors));
}

} // namespace pipebd::gui
