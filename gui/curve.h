// Curve: one series of a chart: its samples, and the graphs that draw them.
#pragma once

#include "gui/run_update.h"
#include "gui/smoothing.h"

#include <qcustomplot.h>

#include <span>
#include <vector>

namespace pipebd::gui {

enum class XAxis { Step, Time };

class Curve {
public:
    /// Draws into `plot`, which owns the graphs.
    Curve(QCustomPlot* plot, store::Series series);

    const store::Series& series() const { return m_series; }
    const std::vector<SeriesPoint>& points() const { return m_points; }

    int colourIndex() const; // by block, else by rank
    bool isCompanion() const; // a peak beside a current value: dashed, in the same colour, without a legend entry of its own
    QString label() const;

    void append(std::span<const SeriesPoint> points);
    void setXAxis(XAxis axis);
    void setSmoothing(double weight); // 0: none
    void recolour(const QPalette& palette);

    QCPGraph* raw() const { return m_raw; }
    QCPGraph* smooth() const { return m_smooth; }
    /// The one that stands for the curve in the legend and under the cursor.
    QCPGraph* front() const { return m_smoothing > 0 ? m_smooth : m_raw; }

    /// Of all finite values; `positive` only above zero. False if there are none.
    bool valueRange(QCPRange& range, bool positive) const;
    bool keyRange(QCPRange& range) const;

private:
    void redraw();
    void draw(std::span<const SeriesPoint> points);
    double keyOf(const SeriesPoint& point);

    store::Series m_series;
    std::vector<SeriesPoint> m_points;
    QCPGraph* m_raw;
    QCPGraph* m_smooth;
    XAxis m_axis = XAxis::Step;
    double m_smoothing = 0;
    DebiasedMean m_mean{0};
    double m_lastStep = -1;
    double m_stepsBefore = 0; // of the phases before this one, in which steps were counted from 0
    double m_least = 0, m_most = 0, m_leastPositive = 0;
    bool m_any = false, m_anyPositive = false;
};

} // namespace pipebd::gui
