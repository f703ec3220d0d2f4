// GanttPlottable: all spans of one timeline in one plottable, a row a device.
//
// The value axis counts pixels from the top of all rows down. What is drawn depends on how many pixels a span has: bars with their
// hatch and letters; bars; and where spans are narrower than a pixel, in that column the share of each activity as a stack, so that
// a timeline seen from far away is a chart of what its devices are busy with. Nothing is drawn in a column without a span.
#pragma once

#include "gui/timeline/drawn_timeline.h"

#include <qcustomplot.h>

#include <unordered_map>
#include <vector>

namespace pipebd::gui {

class GanttPlottable : public QCPAbstractPlottable {
    Q_OBJECT

public:
    /// The part of each row that this timeline has.
    enum class Slot { Whole, Upper, Lower };

    /// A row's lane for work or communication, on the value axis.
    struct Lane {
        double top = 0;
        double height = 0;
    };

    GanttPlottable(QCPAxis* keyAxis, QCPAxis* valueAxis);

    void setTimeline(DrawnTimelinePtr timeline, Slot slot);
    /// Of each row, `memoryHeight` is for the memory that the device holds.
    void setRows(double top, double rowHeight, double memoryHeight);
    /// The memory that reaches to the top of its lane.
    void setMostMemory(std::int64_t bytes) { m_mostMemory = bytes; }
    const DrawnTimelinePtr& timeline() const { return m_timeline; }

    Lane lane(std::size_t device, bool communication) const;
    Lane memoryLane(std::size_t device) const;
    /// In pixels of the widget; at least a pixel wide.
    QRectF barOf(std::size_t device, bool communication, std::size_t span) const;

    double selectTest(const QPointF& pos, bool onlySelectable, QVariant* details = nullptr) const override;
    QCPRange getKeyRange(bool& foundRange, QCP::SignDomain inSignDomain = QCP::sdBoth) const override;
    QCPRange getValueRange(
        bool& foundRange, QCP::SignDomain inSignDomain = QCP::sdBoth, const QCPRange& inKeyRange = QCPRange()) const override;

protected:
    void draw(QCPPainter* painter) override;
    void drawLegendIcon(QCPPainter* painter, const QRectF& rect) const override;

private:
    struct Columns; // the columns of pixels that are drawn
    struct Bar {
        int left = 0; // columns
        int right = 0;
        const DrawnSpan* span = nullptr;
    };

    void drawTrack(QCPPainter& painter, const Columns& columns, std::size_t device, bool communication);
    void drawMemory(QCPPainter& painter, const Columns& columns, std::size_t device);
    void findBars(const Columns& columns, const Track& track);
    void drawBars(QCPPainter& painter, const Columns& columns, const QRectF& lane, std::size_t device, bool communication);
    void drawStacks(QCPPainter& painter, const Columns& columns, const QRectF& lane, const QColor& background);
    void drawLabel(QCPPainter& painter, const QRectF& bar, const schedule::Instruction& instruction);
    QRectF pixels(Lane lane) const;

    DrawnTimelinePtr m_timeline;
    Slot m_slot = Slot::Whole;
    double m_top = 0;
    double m_rowHeight = 30;
    double m_memoryHeight = 0;
    std::int64_t m_mostMemory = 0;

    // Between the steps of drawing a track.
    std::vector<Bar> m_bars;
    std::vector<Bar> m_instants; // spans without length
    std::vector<std::array<float, activities.size()>> m_shares; // by column
    std::vector<char> m_dense; // by column: has spans narrower than a pixel

    struct Label {
        QPixmap picture;
        double width = 0;
    };
    std::unordered_map<int, Label> m_labels;
    QFont m_labelFont;
    double m_labelScale = 0;
};

} // namespace pipebd::gui
