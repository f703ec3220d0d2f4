// TimelineView: Gantt charts of one or several timelines, a row a device, the device's communication thin below its work.
//
// Strategies stand one below the other on one time axis, or each on its own; or a measured timeline lies over its prediction, two
// bars of half the height in a row. Below it what is under the pointer, selected and between the cursors.
//
// Mouse: the wheel zooms at the pointer, with Shift it scrolls the time, with Ctrl or over the names of devices the rows; a drag
// moves the view, with Shift it selects times and rows; a click chooses an instruction, with Ctrl it sets a cursor; cursors can be
// dragged. All of it is there for the keyboard, too: actions().
//
// Knows nothing of pages, labs and strategies.
#pragma once

#include "gui/timeline/drawn_timeline.h"
#include "gui/timeline/timeline_sums.h"

#include <QWidget>

#include <functional>
#include <optional>
#include <vector>

class QAction;
class QLabel;
class QLineEdit;
class QScrollBar;

namespace pipebd::gui {

class TimelinePlot;
class TimelineSumsPanel;

class TimelineView : public QWidget {
    Q_OBJECT

public:
    enum class AxisMode { Shared, Own };

    explicit TimelineView(QWidget* parent = nullptr);
    ~TimelineView() override;

    /// One below the other. Cheap enough to be called while a slider moves; whoever has zoomed stays where they are as far as there
    /// is something to see, and the selection, cursors and chosen instruction stay as far as they still mean something.
    void setTimelines(std::vector<DrawnTimelinePtr> timelines);
    /// Over each other: `predicted` is timeline 0, `measured` timeline 1.
    void setOverlay(DrawnTimelinePtr predicted, DrawnTimelinePtr measured);
    const std::vector<DrawnTimelinePtr>& timelines() const;
    /// Shown while there is no timeline.
    void setEmptyText(const QString& text);

    void setAxisMode(AxisMode mode); // Shared at first
    AxisMode axisMode() const;

    /// Below each row what its device holds, as far as timelines tell; of an overlay, by the prediction. Not at first.
    void setMemoryShown(bool shown);

    /// With a shared axis the same for every timeline.
    TimeRange shownTimes(std::size_t timeline = 0) const;
    void showTimes(TimeRange times);
    void fit();

    void select(TimeRange times, const std::vector<RowPlace>& rows);
    const TimelineSums& selection() const; // empty() if nothing is selected
    /// At most two, ms.
    void setCursors(const std::vector<double>& times);
    const std::vector<double>& cursors() const;
    /// Takes the selection and the cursors away.
    void clearMarks();

    /// Brings the instruction into view and marks it.
    void choose(const SpanPlace& place);
    std::optional<SpanPlace> chosen() const;

    /// What draws; for pictures of it.
    TimelinePlot& plot() { return *m_plot; }

signals:
    void hovered(const QString& words); // of the instruction under the pointer; empty where there is none
    void chosenChanged(const pipebd::gui::SpanPlace& place);
    void selectionChanged(const pipebd::gui::TimelineSums& sums);
    void cursorsChanged(const std::vector<double>& times);
    void timesShown(const pipebd::gui::TimeRange& times); // zoomed or moved by the user; with a shared axis only
    void axisModeChanged(pipebd::gui::TimelineView::AxisMode mode);
    void exportRequested(); // from the context menu

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void layOut();
    void connectPlot();
    void makeActions();
    QAction* addAct(const char* name, const QString& text, const QList<QKeySequence>& shortcuts, const std::function<void()>& body);
    void goToTypedRange();
    void showReadout();
    void followView();

    TimelinePlot* m_plot;
    QScrollBar* m_scrollBar;
    TimelineSumsPanel* m_sums;
    QLineEdit* m_range;
    QLabel* m_readout;
    QAction* m_ownAxes = nullptr;
    QAction* m_memory = nullptr;
};

} // namespace pipebd::gui
