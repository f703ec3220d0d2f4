// TimelinePlot: what TimelineView draws and what the mouse does to it. A panel is one timeline, or a pair laid over each other: a
// line with its title, and a row a device; with an axis of its own, that below.
#pragma once

#include "gui/kit/zoom_history.h"
#include "gui/timeline/drawn_timeline.h"
#include "gui/timeline/gantt_plottable.h"
#include "gui/timeline/timeline_sums.h"

#include <qcustomplot.h>

#include <optional>
#include <vector>

namespace pipebd::gui {

class TimelineLegend;
class TimelineMarks;
class TimelinePanels;

class TimelinePlot : public QCustomPlot {
    Q_OBJECT

public:
    struct Panel {
        std::vector<std::size_t> timelines; // one, or two over each other
        std::vector<GanttPlottable*> gantts; // of each
        QCPAxis* axis = nullptr;
        std::size_t rows = 0;
        double top = 0; // of the title, in pixels from the top of all panels
        double rowsTop = 0;
        double bottom = 0;
    };

    explicit TimelinePlot(QWidget* parent = nullptr);
    ~TimelinePlot() override;

    /// `overlaid`: the first two lie over each other.
    void setTimelines(std::vector<DrawnTimelinePtr> timelines, bool overlaid);
    const std::vector<DrawnTimelinePtr>& timelines() const { return m_timelines; }
    void setEmptyText(const QString& text);
    void setOwnAxes(bool own);
    bool ownAxes() const { return m_ownAxes; }
    void setMemoryShown(bool shown);
    bool memoryShown() const { return m_memoryShown; }

    const std::vector<Panel>& panels() const { return m_panels; }
    TimeRange extent(const Panel& panel) const; // all that there is, with a margin
    TimeRange shownTimes(std::size_t timeline) const;
    const Panel* panelOf(std::size_t timeline) const;

    // By the user: each remembers where they were.
    void zoom(double factor, Gesture gesture); // around the pointer; else the chosen instruction, or the middle
    void moveTimes(double share, Gesture gesture); // of what is shown
    void showTimes(TimeRange times);
    void fit();
    void goBack(); // one view, then everything
    bool canGoBack() const;
    void goForward();
    void forgetHistory() { m_history.clear(); }

    void scrollRows(double pixels);
    double scrolled() const { return m_scroll; }
    double contentHeight() const;
    double rowHeight() const { return m_rowHeight; }

    std::optional<SpanPlace> spanAt(const QPointF& position) const;
    QRectF barOf(const SpanPlace& place) const; // in pixels of the widget
    const DrawnSpan& spanOf(const SpanPlace& place) const;
    bool has(const SpanPlace& place) const;
    QString wordsFor(const SpanPlace& place) const; // names the timeline if there are several

    const std::optional<SpanPlace>& hoveredSpan() const { return m_hovered; }
    void choose(std::optional<SpanPlace> place, bool bringIntoView);
    const std::optional<SpanPlace>& chosen() const { return m_chosen; }
    /// The one before or after the chosen one in its track; or, in the row above or below, that at the same time.
    void chooseNeighbour(int by);
    void chooseInRow(int by);

    void select(TimeRange times, std::vector<RowPlace> rows);
    void selectShown(); // all rows
    const TimelineSums& selection() const { return m_sums; }
    const std::vector<RowPlace>& selectedRows() const { return m_selectedRows; }

    void setCursors(std::vector<double> times);
    const std::vector<double>& cursors() const { return m_cursors; }
    void placeCursor(); // at the pointer; else where the chosen instruction begins, or in the middle
    /// The timeline on which a cursor was set last, whose steps count.
    std::size_t cursorTimeline() const { return m_cursorTimeline; }

    /// The size at which no row is out of view.
    QSize wholeSize() const;

signals:
    void hoveredChanged(const std::optional<pipebd::gui::SpanPlace>& place);
    void chosenChanged(const pipebd::gui::SpanPlace& place);
    void selectionChanged(const pipebd::gui::TimelineSums& sums);
    void cursorsChanged(const std::vector<double>& times);
    void viewChanged(); // what is in view, by whomever
    void timesShown(const pipebd::gui::TimeRange& times); // by the user

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    friend class TimelineMarks;

    struct View {
        std::vector<TimeRange> times; // by panel; one if they are linked
        bool everything = true;
        bool operator==(const View&) const = default;
    };

    enum class Drag { None, Pan, Select, Cursor };

    void rebuildPanels();
    void keepMarks(const std::vector<DrawnTimelinePtr>& before);
    void arrange();
    void recolour();
    void applyView();
    void goTo(View view);
    void show(View view, Gesture gesture); // by the user
    View fitted() const;
    View limited(View view) const; // to what there is
    TimeRange limited(TimeRange times, TimeRange extent) const;
    TimeRange wholeExtent() const;
    TimeRange extentOf(std::size_t range) const; // of a view's
    const Panel* panelAt(double y) const; // the nearest; null if there is none
    std::size_t indexOf(const Panel& panel) const { return static_cast<std::size_t>(&panel - m_panels.data()); }
    double middleOf(TimeRange times) const; // of the chosen instruction, if that is within them
    double timeAt(const Panel& panel, double x) const { return panel.axis->pixelToCoord(x); }
    double snapped(const QPointF& position) const; // the time there, or that of an end of a bar close by
    std::vector<RowPlace> rowsBetween(double y1, double y2) const;
    std::optional<std::size_t> cursorAt(const QPointF& position) const;
    void setCursorAt(const QPointF& position);
    void selectTo(const QPointF& position);
    QString memoryTextAt(const QPointF& position) const; // empty where no memory is drawn
    QString toolTipFor(const SpanPlace& place) const;
    void hover(const QPointF& position, const QPoint& global);
    void marksChanged();
    void announceSelection();

    std::vector<DrawnTimelinePtr> m_timelines;
    std::vector<Panel> m_panels;
    bool m_overlaid = false;
    bool m_ownAxes = false;
    bool m_memoryShown = false;
    View m_view;
    ZoomHistory<View> m_history;
    double m_scroll = 0;
    double m_rowHeight = 30;

    std::optional<SpanPlace> m_hovered;
    std::optional<SpanPlace> m_chosen;
    TimeRange m_selectedTimes;
    std::vector<RowPlace> m_selectedRows;
    TimelineSums m_sums;
    std::vector<double> m_cursors;
    std::size_t m_cursorTimeline = 0;

    Drag m_drag = Drag::None;
    bool m_dragged = false; // further than a click
    QPointF m_pressed;
    QPointF m_pointerBefore; // while dragging
    View m_viewPressed;
    std::size_t m_draggedCursor = 0;
    std::optional<QPointF> m_pointer;
    TimeRange m_rubber; // while selecting
    std::vector<RowPlace> m_rubberRows;

    TimelinePanels* m_frame = nullptr;
    TimelineMarks* m_marks = nullptr;
    TimelineLegend* m_legend = nullptr;
    QCPItemText* m_emptyText = nullptr;
};

} // namespace pipebd::gui
