// What TimelinePlot knows of single instructions, and what it marks: the chosen one, a selection, cursors.
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_words.h"

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

const TimelinePlot::Panel* TimelinePlot::panelAt(double y) const
{
    const double place = yAxis->pixelToCoord(y);
    for (const Panel& panel : m_panels)
        if (place < panel.bottom)
            return &panel;
    return m_panels.empty() ? nullptr : &m_panels.back();
}

std::optional<SpanPlace> TimelinePlot::spanAt(const QPointF& position) const
{
    const Panel* panel = panelAt(position.y());
    if (!panel || !axisRect()->rect().contains(position.toPoint()))
        return std::nullopt;
    const double place = yAxis->pixelToCoord(position.y());
    const double row = std::floor((place - panel->rowsTop) / m_rowHeight);
    if (row < 0 || row >= static_cast<double>(panel->rows))
        return std::nullopt;
    const auto device = static_cast<std::size_t>(row);
    const double time = timeAt(*panel, position.x());
    const double tolerance = timeAt(*panel, position.x() + 2) - time;
    for (std::size_t i = 0; i < panel->timelines.size(); ++i) {
        const std::size_t timeline = panel->timelines[i];
        if (device >= m_timelines[timeline]->devices.size())
            continue;
        for (const bool communication : {false, true}) {
            const GanttPlottable::Lane lane = panel->gantts[i]->lane(device, communication);
            if (place < lane.top || place > lane.top + lane.height)
                continue;
            if (const auto span = m_timelines[timeline]->devices[device].track(communication).at(time, tolerance))
                return SpanPlace{timeline, device, communication, *span};
        }
    }
    return std::nullopt;
}

bool TimelinePlot::has(const SpanPlace& place) const
{
    return place.timeline < m_timelines.size() && place.device < m_timelines[place.timeline]->devices.size()
        && place.span < m_timelines[place.timeline]->devices[place.device].track(place.communication).spans.size();
}

const DrawnSpan& TimelinePlot::spanOf(const SpanPlace& place) const
{
    return m_timelines[place.timeline]->devices[place.device].track(place.communication).spans[place.span];
}

QRectF TimelinePlot::barOf(const SpanPlace& place) const
{
    const Panel& panel = *panelOf(place.timeline);
    const auto slot = std::find(panel.timelines.begin(), panel.timelines.end(), place.timeline) - panel.timelines.begin();
    return panel.gantts[static_cast<std::size_t>(slot)]->barOf(place.device, place.communication, place.span);
}

QString TimelinePlot::wordsFor(const SpanPlace& place) const
{
    const DrawnTimeline& timeline = *m_timelines[place.timeline];
    const QString text = words(timeline, place.device, spanOf(place));
    if (m_timelines.size() < 2)
        return text;
    if (!m_overlaid)
        return tr("%1: %2").arg(timeline.name, text);
    return timeline.kind == DrawnTimeline::Kind::Measured ? tr("measured: %1").arg(text) : tr("predicted: %1").arg(text);
}

void TimelinePlot::choose(std::optional<SpanPlace> place, bool bringIntoView)
{
    if (place && !has(*place))
        return;
    const bool changed = place != m_chosen;
    m_chosen = place;
    if (m_chosen && bringIntoView) {
        const Panel& panel = *panelOf(m_chosen->timeline);
        const DrawnSpan& span = spanOf(*m_chosen);
        const std::size_t range = m_ownAxes ? indexOf(panel) : 0;
        const TimeRange shown = m_view.times[range];
        if (span.start < shown.from || span.end > shown.to) {
            const double length = std::max(shown.length(), 1.2 * (span.end - span.start));
            const double middle = (span.start + span.end) / 2;
            View view = m_view;
            view.times[range] = {middle - length / 2, middle + length / 2};
            show(std::move(view), Gesture::Keys);
        }
        const double top = panel.rowsTop + static_cast<double>(m_chosen->device) * m_rowHeight;
        const double height = axisRect()->height();
        if (top < m_scroll)
            scrollRows(top - m_scroll);
        else if (top + m_rowHeight > m_scroll + height)
            scrollRows(top + m_rowHeight - m_scroll - height);
    }
    marksChanged();
    if (changed && m_chosen)
        emit chosenChanged(*m_chosen);
}

void TimelinePlot::chooseNeighbour(int by)
{
    m_pointer.reset(); // by the keyboard: that is where the user looks now
    if (m_chosen) {
        SpanPlace next = *m_chosen;
        if (by < 0 && next.span == 0)
            return;
        next.span += static_cast<std::size_t>(by);
        if (has(next))
            choose(next, true);
        return;
    }
    for (std::size_t timeline = 0; timeline < m_timelines.size(); ++timeline)
        for (std::size_t device = 0; device < m_timelines[timeline]->devices.size(); ++device) {
            const Track& track = m_timelines[timeline]->devices[device].work;
            const std::size_t first = track.firstEndingAfter(shownTimes(timeline).from);
            if (first < track.spans.size())
                return choose(SpanPlace{timeline, device, false, first}, true);
        }
}

void TimelinePlot::chooseInRow(int by)
{
    m_pointer.reset();
    if (!m_chosen)
        return chooseNeighbour(1);
    const DrawnSpan& span = spanOf(*m_chosen);
    const double middle = (span.start + span.end) / 2;
    // All tracks from top to bottom.
    std::vector<SpanPlace> tracks;
    std::size_t current = 0;
    for (const Panel& panel : m_panels)
        for (std::size_t device = 0; device < panel.rows; ++device)
            for (const std::size_t timeline : panel.timelines)
                for (const bool communication : {false, true}) {
                    if (device >= m_timelines[timeline]->devices.size())
                        continue;
                    const SpanPlace place{timeline, device, communication, 0};
                    if (timeline == m_chosen->timeline && device == m_chosen->device && communication == m_chosen->communication)
                        current = tracks.size();
                    tracks.push_back(place);
                }
    for (auto i = static_cast<std::ptrdiff_t>(current) + by; i >= 0 && i < static_cast<std::ptrdiff_t>(tracks.size()); i += by) {
        SpanPlace place = tracks[static_cast<std::size_t>(i)];
        const Track& track = m_timelines[place.timeline]->devices[place.device].track(place.communication);
        if (track.spans.empty())
            continue;
        place.span = std::min(track.firstEndingAfter(middle), track.spans.size() - 1);
        return choose(place, true);
    }
}

std::vector<RowPlace> TimelinePlot::rowsBetween(double y1, double y2) const
{
    const double from = yAxis->pixelToCoord(std::min(y1, y2));
    const double to = yAxis->pixelToCoord(std::max(y1, y2));
    std::vector<RowPlace> rows;
    for (const Panel& panel : m_panels)
        for (std::size_t device = 0; device < panel.rows; ++device) {
            const double top = panel.rowsTop + static_cast<double>(device) * m_rowHeight;
            if (to < top || from >= top + m_rowHeight)
                continue;
            for (const std::size_t timeline : panel.timelines)
                if (device < m_timelines[timeline]->devices.size())
                    rows.push_back({timeline, device});
        }
    return rows;
}

void TimelinePlot::select(TimeRange times, std::vector<RowPlace> rows)
{
    const bool nothing = rows.empty() || times.length() <= 0;
    if (nothing && m_selectedRows.empty())
        return;
    m_selectedTimes = nothing ? TimeRange{} : times;
    m_selectedRows = nothing ? std::vector<RowPlace>{} : std::move(rows);
    announceSelection();
    marksChanged();
}

void TimelinePlot::selectShown()
{
    std::vector<RowPlace> rows;
    for (std::size_t timeline = 0; timeline < m_timelines.size(); ++timeline)
        for (std::size_t device = 0; device < m_timelines[timeline]->devices.size(); ++device)
            if (!m_ownAxes || shownTimes(timeline) == shownTimes(m_chosen ? m_chosen->timeline : 0))
                rows.push_back({timeline, device});
    select(shownTimes(m_chosen ? m_chosen->timeline : 0), std::move(rows));
}

void TimelinePlot::announceSelection()
{
    m_sums = sumsOf(m_timelines, m_selectedTimes, m_selectedRows);
    emit selectionChanged(m_sums);
}

void TimelinePlot::setCursors(std::vector<double> times)
{
    if (times.size() > 2)
        times = {times[0], times[1]};
    if (times == m_cursors)
        return;
    m_cursors = std::move(times);
    marksChanged();
    emit cursorsChanged(m_cursors);
}

void TimelinePlot::placeCursor()
{
    if (m_panels.empty())
        return;
    if (m_pointer && axisRect()->rect().contains(m_pointer->toPoint()))
        return setCursorAt(*m_pointer);
    const TimeRange shown = shownTimes(m_chosen ? m_chosen->timeline : 0);
    const double time = m_chosen ? spanOf(*m_chosen).start : (shown.from + shown.to) / 2;
    m_cursorTimeline = m_chosen ? m_chosen->timeline : m_cursorTimeline;
    if (m_cursors.empty())
        setCursors({time});
    else
        setCursors({m_cursors.back(), time}); // the older one goes
}

void TimelinePlot::marksChanged()
{
    layer(QStringLiteral("marks"))->replot();
}

} // namespace pipebd::gui
