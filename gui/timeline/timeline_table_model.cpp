#include "gui/timeline/timeline_table_model.h"

#include "gui/timeline/timeline_words.h"

#include <QLocale>

#include <algorithm>
#include <tuple>

namespace pipebd::gui {

std::vector<SpanPlace> placesOf(const std::vector<DrawnTimelinePtr>& timelines)
{
    std::vector<SpanPlace> places;
    std::size_t count = 0;
    for (const DrawnTimelinePtr& timeline : timelines)
        count += timeline->spanCount();
    places.reserve(count);
    for (std::size_t t = 0; t < timelines.size(); ++t)
        for (std::size_t d = 0; d < timelines[t]->devices.size(); ++d) {
            const std::vector<DrawnSpan>& work = timelines[t]->devices[d].work.spans;
            const std::vector<DrawnSpan>& communication = timelines[t]->devices[d].communication.spans;
            for (std::size_t w = 0, c = 0; w < work.size() || c < communication.size();) {
                const bool ofCommunication = w == work.size()
                    || (c < communication.size()
                        && std::tie(communication[c].start, communication[c].index) < std::tie(work[w].start, work[w].index));
                places.push_back({t, d, ofCommunication, ofCommunication ? c++ : w++});
            }
        }
    return places;
}

void TimelineTableModel::setTimelines(std::vector<DrawnTimelinePtr> timelines)
{
    beginResetModel();
    m_timelines = std::move(timelines);
    m_rows = placesOf(m_timelines);
    endResetModel();
}

std::optional<int> TimelineTableModel::rowOf(const SpanPlace& place) const
{
    const auto found = std::find(m_rows.begin(), m_rows.end(), place);
    return found == m_rows.end() ? std::nullopt : std::optional(static_cast<int>(found - m_rows.begin()));
}

int TimelineTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int TimelineTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant TimelineTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const SpanPlace place = placeOf(index.row());
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        return text(place, column);
    case SortRole:
        return sortKey(place, index.row(), column);
    case Qt::ToolTipRole:
        return text(place, column).toHtmlEscaped();
    case Qt::TextAlignmentRole:
        return column == Timeline || column == Device || column == Instruction || column == Words
            ? QVariant(Qt::AlignLeft | Qt::AlignVCenter)
            : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    default:
        return {};
    }
}

QString TimelineTableModel::text(const SpanPlace& place, int column) const
{
    const DrawnTimeline& timeline = *m_timelines[place.timeline];
    const DrawnSpan& span = timeline.devices[place.device].track(place.communication).spans[place.span];
    const auto milliseconds = [](double time) { return QLocale().toString(time, 'f', 3); };
    switch (column) {
    case Timeline:
        return timeline.name;
    case Device:
        return timeline.devices[place.device].name;
    case Phase:
        return QString::number(span.phase);
    case Step:
        return QLocale().toString(span.step);
    case Instruction:
        return QString::fromStdString(to_text(timeline.instruction(place.device, span)));
    case Words:
        return words(timeline.instruction(place.device, span));
    case Start:
        return milliseconds(span.start);
    case End:
        return milliseconds(span.end);
    case Duration:
        return milliseconds(span.end - span.start);
    default:
        return {};
    }
}

QVariant TimelineTableModel::sortKey(const SpanPlace& place, int row, int column) const
{
    const DrawnSpan& span = m_timelines[place.timeline]->devices[place.device].track(place.communication).spans[place.span];
    switch (column) {
    case Timeline:
        return row; // as they stand
    case Device:
        return static_cast<int>(place.device);
    case Phase:
        return span.phase;
    case Step:
        return span.step;
    case Start:
        return span.start;
    case End:
        return span.end;
    case Duration:
        return span.end - span.start;
    default:
        return text(place, column);
    }
}

QVariant TimelineTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return section == Timeline || section == Device || section == Instruction || section == Words
            ? QVariant(Qt::AlignLeft | Qt::AlignVCenter)
            : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole)
        return {};
    switch (section) {
    case Timeline:
        return tr("Timeline");
    case Device:
        return tr("Device");
    case Phase:
        return tr("Phase");
    case Step:
        return tr("Step");
    case Instruction:
        return role == Qt::DisplayRole ? tr("Instruction") : tr("Instruction, in the text form of programs");
    case Words:
        return tr("What it does");
    case Start:
        return tr("Start (ms)");
    case End:
        return tr("End (ms)");
    case Duration:
        return tr("Duration (ms)");
    default:
        return {};
    }
}

} // namespace pipebd::gui
