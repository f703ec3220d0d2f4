#include "gui/charts/curve.h"

#include "gui/kit/theme.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pipebd::gui {

namespace {

constexpr double markerDistance = 110; // pixels

// Stands for its curve in the legend, with a line that it does not draw in the plot.
class MarkerGraph : public QCPGraph {
public:
    MarkerGraph(QCPAxis* keys, QCPAxis* values)
        : QCPGraph(keys, values)
    {
        setLineStyle(lsNone);
    }

protected:
    void drawLegendIcon(QCPPainter* painter, const QRectF& rect) const override
    {
        painter->setPen(pen());
        painter->drawLine(QLineF(rect.left(), rect.center().y(), rect.right(), rect.center().y()));
        scatterStyle().applyTo(painter, pen());
        scatterStyle().drawShape(painter, rect.center());
    }
};

// Dashes cannot be told where there are more points than pixels, and cost ten times as much as a solid line there.
class LineGraph : public QCPGraph {
public:
    using QCPGraph::QCPGraph;

protected:
    void draw(QCPPainter* painter) override
    {
        const QCPRange shown = mKeyAxis->range();
        const auto points = mDataContainer->findEnd(shown.upper) - mDataContainer->findBegin(shown.lower);
        const Qt::PenStyle style = mPen.style();
        if (points > mKeyAxis->axisRect()->width())
            mPen.setStyle(Qt::SolidLine);
        QCPGraph::draw(painter);
        mPen.setStyle(style);
    }
};

} // namespace

Curve::Curve(QCustomPlot* plot, CurveId id, std::optional<CurveLook> look)
    : m_id(std::move(id))
    , m_look(std::move(look))
    , m_raw(new LineGraph(plot->xAxis, plot->yAxis)) // which the plot owns
    , m_smooth(new LineGraph(plot->xAxis, plot->yAxis))
    , m_rawData(m_raw->data())
    , m_smoothData(m_smooth->data())
{
    if (m_look && m_look->marker != QCPScatterStyle::ssNone) {
        m_markers = new MarkerGraph(plot->xAxis, plot->yAxis);
        m_markers->setName(label());
        m_markers->removeFromLegend();
    }
    for (QCPGraph* graph : {m_raw, m_smooth}) {
        graph->setName(label());
        graph->removeFromLegend();
    }
    m_smooth->setVisible(false);
}

int Curve::colourIndex() const
{
    if (m_look)
        return m_look->colour;
    return series().block >= 0 ? series().block : std::max(0, series().rank);
}

bool Curve::isCompanion() const
{
    return series().name.starts_with("peak_");
}

QString Curve::label() const
{
    if (m_look)
        return m_look->label;
    if (series().block >= 0)
        return QCoreApplication::translate("Curve", "block %1").arg(series().block);
    if (series().rank >= 0)
        return QCoreApplication::translate("Curve", "rank %1").arg(series().rank);
    if (series().name == "loss")
        return QCoreApplication::translate("Curve", "all blocks");
    return QCoreApplication::translate("Curve", "measured");
}

void Curve::append(std::span<const SeriesPoint> points)
{
    m_points.insert(m_points.end(), points.begin(), points.end());
    for (const SeriesPoint& point : points)
        if (std::isfinite(point.value))
            include(point.value);
    draw(points, m_pen, m_rawData, m_smoothData);
}

void Curve::showOverview(std::span<const SeriesPoint> points)
{
    m_overview.assign(points.begin(), points.end());
    for (const SeriesPoint& point : points)
        if (std::isfinite(point.value))
            include(point.value);
    drawOverview();
}

bool Curve::showSamples()
{
    if (m_overview.empty())
        return false;
    m_overview.clear();
    m_raw->setData(m_rawData);
    m_smooth->setData(m_smoothData);
    return true;
}

void Curve::setXAxis(XAxis axis)
{
    if (m_axis == axis)
        return;
    m_axis = axis;
    redraw();
}

void Curve::setSmoothing(double weight)
{
    if (m_smoothing == weight)
        return;
    m_smoothing = weight;
    redraw();
}

void Curve::setBegin(double seconds)
{
    m_begin = seconds;
    if (m_axis == XAxis::WallTime)
        redraw();
}

void Curve::setShown(bool on)
{
    m_raw->setVisible(on);
    m_smooth->setVisible(on && m_smoothing > 0);
    if (m_markers)
        m_markers->setVisible(on);
}

void Curve::include(double value)
{
    m_least = m_any ? std::min(m_least, value) : value;
    m_most = m_any ? std::max(m_most, value) : value;
    m_any = true;
    if (value > 0) {
        m_leastPositive = m_anyPositive ? std::min(m_leastPositive, value) : value;
        m_anyPositive = true;
    }
}

void Curve::placeMarkers()
{
    if (!m_markers)
        return;
    const QCPAxis* keys = m_markers->keyAxis();
    const auto& data = *front()->data();
    m_markers->data()->clear();
    const double first = markerDistance * (0.3 + 0.37 * (colourIndex() % 8) - std::floor(0.3 + 0.37 * (colourIndex() % 8)));
    const double left = keys->axisRect()->left();
    const double right = keys->axisRect()->right();
    for (double pixel = left + first; pixel < right; pixel += markerDistance) {
        const double key = keys->pixelToCoord(pixel);
        const auto nearest = data.findBegin(key, true);
        if (nearest == data.constEnd() || key < data.at(0)->key || key > data.at(data.size() - 1)->key)
            continue;
        m_markers->addData(nearest->key, nearest->value);
    }
    if (m_markers->dataCount() == 0 && data.size() > 0) // a short one has at least its end marked
        m_markers->addData(data.at(data.size() - 1)->key, data.at(data.size() - 1)->value);
}

void Curve::removeFrom(QCustomPlot* plot)
{
    plot->removeGraph(m_raw);
    plot->removeGraph(m_smooth);
    if (m_markers)
        plot->removePlottable(m_markers);
}

void Curve::recolour(const QPalette& palette)
{
    QColor colour = curveColor(colourIndex(), palette);
    const Qt::PenStyle style = isCompanion() ? Qt::DashLine : m_look ? Qt::SolidLine : curvePenStyle(colourIndex());
    if (m_markers) {
        m_markers->setPen(QPen(colour, 1.5));
        m_markers->setScatterStyle(QCPScatterStyle(m_look->marker, QPen(colour, 1.5), palette.color(QPalette::Base), 8));
    }
    m_smooth->setPen(QPen(colour, 2, style));
    m_smooth->setVisible(m_smoothing > 0);
    if (m_smoothing > 0)
        colour.setAlphaF(isDark(palette) ? 0.35F : 0.3F);
    m_raw->setPen(QPen(colour, m_smoothing > 0 ? 1 : 1.5, style));
}

bool Curve::valueRange(QCPRange& range, bool positive) const
{
    if (positive ? !m_anyPositive : !m_any)
        return false;
    range = QCPRange(positive ? m_leastPositive : m_least, m_most);
    return true;
}

bool Curve::keyRange(QCPRange& range, bool positive) const
{
    bool found = false;
    range = m_raw->getKeyRange(found, positive ? QCP::sdPositive : QCP::sdBoth);
    return found;
}

void Curve::redraw()
{
    m_rawData->clear();
    m_smoothData->clear();
    m_pen = Pen{DebiasedMean(m_smoothing)};
    draw(m_points, m_pen, m_rawData, m_smoothData);
    if (!m_overview.empty())
        drawOverview();
}

void Curve::drawOverview()
{
    const Data raw(new QCPGraphDataContainer);
    const Data smooth(new QCPGraphDataContainer);
    Pen pen{DebiasedMean(m_smoothing)};
    draw(m_overview, pen, raw, smooth);
    m_raw->setData(raw);
    m_smooth->setData(smooth);
}

void Curve::draw(std::span<const SeriesPoint> points, Pen& pen, const Data& rawData, const Data& smoothData) const
{
    QVector<QCPGraphData> raw;
    QVector<QCPGraphData> smooth;
    raw.reserve(static_cast<qsizetype>(points.size()));
    if (m_smoothing > 0)
        smooth.reserve(static_cast<qsizetype>(points.size()));
    for (const SeriesPoint& point : points) {
        const double key = keyOf(point, pen);
        // An infinity would spoil the scale; NaN leaves a gap.
        const double value = std::isfinite(point.value) ? point.value : std::numeric_limits<double>::quiet_NaN();
        raw.append({key, value});
        if (m_smoothing > 0)
            smooth.append({key, pen.mean.next(value)});
    }
    const bool sorted = std::is_sorted(raw.cbegin(), raw.cend(), qcpLessThanSortKey<QCPGraphData>);
    rawData->add(raw, sorted);
    smoothData->add(smooth, sorted);
}

double Curve::keyOf(const SeriesPoint& point, Pen& pen) const
{
    if (m_axis != XAxis::Step)
        return m_axis == XAxis::Time ? point.t : m_begin + point.t;
    if (point.step < pen.lastStep)
        pen.stepsBefore += pen.lastStep + 1;
    pen.lastStep = point.step;
    return pen.stepsBefore + point.step;
}

} // namespace pipebd::gui
