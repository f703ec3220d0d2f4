#include "gui/curve.h"

#include "gui/theme.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pipebd::gui {

Curve::Curve(QCustomPlot* plot, store::Series series)
    : m_series(std::move(series))
    , m_raw(plot->addGraph())
    , m_smooth(plot->addGraph())
{
    for (QCPGraph* graph : {m_raw, m_smooth}) {
        graph->setName(label());
        graph->removeFromLegend();
    }
    m_smooth->setVisible(false);
}

int Curve::colourIndex() const
{
    return m_series.block >= 0 ? m_series.block : std::max(0, m_series.rank);
}

bool Curve::isCompanion() const
{
    return m_series.name.starts_with("peak_");
}

QString Curve::label() const
{
    if (m_series.block >= 0)
        return QCoreApplication::translate("Curve", "block %1").arg(m_series.block);
    if (m_series.rank >= 0)
        return QCoreApplication::translate("Curve", "rank %1").arg(m_series.rank);
    if (m_series.name == "loss")
        return QCoreApplication::translate("Curve", "all blocks");
    return QCoreApplication::translate("Curve", "measured");
}

void Curve::append(std::span<const SeriesPoint> points)
{
    m_points.insert(m_points.end(), points.begin(), points.end());
    for (const SeriesPoint& point : points) {
        if (!std::isfinite(point.value))
            continue;
        m_least = m_any ? std::min(m_least, point.value) : point.value;
        m_most = m_any ? std::max(m_most, point.value) : point.value;
        m_any = true;
        if (point.value > 0) {
            m_leastPositive = m_anyPositive ? std::min(m_leastPositive, point.value) : point.value;
            m_anyPositive = true;
        }
    }
    draw(points);
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

void Curve::recolour(const QPalette& palette)
{
    QColor colour = curveColor(colourIndex(), palette);
    const Qt::PenStyle style = isCompanion() ? Qt::DashLine : curvePenStyle(colourIndex());
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

bool Curve::keyRange(QCPRange& range) const
{
    bool found = false;
    range = m_raw->getKeyRange(found);
    return found;
}

void Curve::redraw()
{
    m_raw->data()->clear();
    m_smooth->data()->clear();
    m_mean = DebiasedMean(m_smoothing);
    m_lastStep = -1;
    m_stepsBefore = 0;
    draw(m_points);
}

void Curve::draw(std::span<const SeriesPoint> points)
{
    QVector<QCPGraphData> raw;
    QVector<QCPGraphData> smooth;
    raw.reserve(static_cast<qsizetype>(points.size()));
    for (const SeriesPoint& point : points) {
        const double key = keyOf(point);
        // An infinity would spoil the scale; NaN leaves a gap.
        const double value = std::isfinite(point.value) ? point.value : std::numeric_limits<double>::quiet_NaN();
        raw.append({key, value});
        if (m_smoothing > 0)
            smooth.append({key, m_mean.next(value)});
    }
    m_raw->data()->add(raw);
    m_smooth->data()->add(smooth);
}

double Curve::keyOf(const SeriesPoint& point)
{
    if (m_axis == XAxis::Time)
        return point.t;
    if (point.step < m_lastStep)
        m_stepsBefore += m_lastStep + 1;
    m_lastStep = point.step;
    return m_stepsBefore + point.step;
}

} // namespace pipebd::gui
