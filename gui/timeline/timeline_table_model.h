// TimelineTableModel: what the Gantt charts show, as a table: an instruction and step a row, by timeline, device and start.
#pragma once

#include "gui/timeline/drawn_timeline.h"

#include <QAbstractTableModel>

#include <optional>
#include <vector>

namespace pipebd::gui {

class TimelineTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Timeline, Device, Phase, Step, Instruction, Words, Start, End, Duration, ColumnCount };
    enum Role { SortRole = Qt::UserRole };

    using QAbstractTableModel::QAbstractTableModel;

    void setTimelines(std::vector<DrawnTimelinePtr> timelines);

    SpanPlace placeOf(int row) const { return m_rows[static_cast<std::size_t>(row)]; }
    std::optional<int> rowOf(const SpanPlace& place) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString text(const SpanPlace& place, int column) const;
    QVariant sortKey(const SpanPlace& place, int row, int column) const;

    std::vector<DrawnTimelinePtr> m_timelines;
    std::vector<SpanPlace> m_rows;
};

/// All spans of `timelines`, by timeline, device and start.
std::vector<SpanPlace> placesOf(const std::vector<DrawnTimelinePtr>& timelines);

} // namespace pipebd::gui
