// Curve: one series of a chart, of one run: its samples, and the graphs that draw them.
#pragma once

#include "gui/charts/smoothing.h"
#include "gui/kit/axis.h"
#include "gui/lab/run_update.h"

#include <qcustomplot.h>

#include <compare>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace pipebd::gui {

/// Of which run, where there are several.
struct CurveId {
    CurveId(store::Series of, int ofRun = 0)
        : series(std::move(of))
        , run(ofRun)
    {
    }

    store::Series series;
    int run;
    auto operator<=>(const CurveId&) const = default;
};

/// How a curve looks where that does not follow from its block or rank.
struct CurveLook {
    int colour = 0; // see curveColor
    QCPScatterStyle::ScatterShape marker = QCPScatterStyle::ssNone; // drawn here and there
    QString label;
};

class Curve {
public:
    /// Draws into `plot`, which owns the graphs.
    Curve(QCustomPlot* plot, CurveId id, std::optional<CurveLook> look = {});

    const store::Series& series() const { return m_id.series; }
    int run() const { return m_id.run; }
    /// All of its samples that have come.
    const std::vector<SeriesPoint>& points() const { return m_points; }

    int colourIndex() const; // by block, else by rank
    bool isCompanion() const; // a peak beside a current value: dashed, in the same colour, without a legend entry of its own
    QString label() const;

    void append(std::span<const SeriesPoint> points);
    /// Draws these, which are no samples of the curve, instead of them until showSamples().
    void showOverview(std::span<const SeriesPoint> points);
    bool showSamples(); // false if they were shown already
    void setXAxis(XAxis axis);
    void setSmoothing(double weight); // 0: none
    void setBegin(double seconds); // since 1970: when the run started, for XAxis::WallTime
    void recolour(const QPalette& palette);
    void setShown(bool on);
    bool isShown() const { return m_raw->visible(); }
    /// Spreads the markers, if it has any, over what is in view.
    void placeMarkers();
    /// A value that is to be in view beside the samples.
    void include(double value);
    void removeFrom(QCustomPlot* plot);

    QCPGraph* raw() const { return m_raw; }
    QCPGraph* smooth() const { return m_smooth; }
    /// The one that stands for the curve in the legend and under the cursor.
    QCPGraph* front() const { return m_smoothing > 0 ? m_smooth : m_raw; }
    QCPGraph* inLegend() const { return m_markers ? m_markers : front(); }

    /// Of all finite values; `positive` only above zero. False if there are none.
    bool valueRange(QCPRange& range, bool positive) const;
    bool keyRange(QCPRange& range, bool positive = false) const;

private:
    // Where the next sample stands, and the mean so far.
    struct Pen {
        DebiasedMean mean{0};
        double lastStep = -1;
        double stepsBefore = 0; // of the phases before this one, in which steps were counted from 0
    };
    using Data = QSharedPointer<QCPGraphDataContainer>;

    void redraw();
    void draw(std::span<const SeriesPoint> points, Pen& pen, const Data& raw, const Data& smooth) const;
    double keyOf(const SeriesPoint& point, Pen& pen) const;
    void drawOverview();

    CurveId m_id;
    std::optional<CurveLook> m_look;
    std::vector<SeriesPoint> m_points;
    QCPGraph* m_raw;
    QCPGraph* m_smooth;
    QCPGraph* m_markers = nullptr;
    double m_begin = 0;
    XAxis m_axis = XAxis::Step;
    double m_smoothing = 0;
    Pen m_pen;
    Data m_rawData;
    Data m_smoothData;
    std::vector<SeriesPoint> m_overview; // empty: the samples are drawn
    double m_least = 0, m_most = 0, m_leastPositive = 0;
    bool m_any = false, m_anyPositive = false;
};

} // namespace pipebd::gui
