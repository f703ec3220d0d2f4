#include "gui/charts/metric_chart.h"

#include "base/statistics.h"
#include "gui/charts/chart_ticker.h"
#include "gui/charts/plot_dress.h"
#include "gui/kit/theme.h"

#include <QEvent>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double leastNews = 0.5; // pixels
constexpr qint64 longestWait = 500; // ms

} // namespace

MetricChart::MetricChart(Quantity quantity, QWidget* parent)
    : QCustomPlot(parent)
    , m_quantity(quantity)
{
    setObjectName(quantity == Quantity::Throughput ? QStringLiteral("throughputChart")
            : quantity == Quantity::Loss           ? QStringLiteral("lossChart")
            : quantity == Quantity::Memory         ? QStringLiteral("memoryChart")
            : quantity == Quantity::Utilisation    ? QStringLiteral("utilisationChart")
                                                   : QStringLiteral("accuracyChart"));
    setAccessibleName(title());
    setMinimumSize(220, 140);
    setNoAntialiasingOnDrag(true);
    setPlottingHint(QCP::phFastPolylines, true); // ten times as fast where the pen is thicker than a pixel
    setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    axisRect()->setRangeDrag(Qt::Horizontal);
    axisRect()->setRangeZoom(Qt::Horizontal);
    buildLayout();
    chooseTickers();
    recolour();
    fitView();
    connect(this, &QCustomPlot::legendClick, this, [this](QCPLegend*, QCPAbstractLegendItem* item) { toggleCurve(item); });
}

MetricChart::~MetricChart() = default;

QString MetricChart::title() const
{
    switch (m_quantity) {
    case Quantity::Throughput:
        return tr("Throughput");
    case Quantity::Loss:
        return tr("Loss per block");
    case Quantity::Memory:
        return tr("Memory per rank");
    case Quantity::Utilisation:
        return tr("Utilisation per device");
    case Quantity::Accuracy:
        break;
    }
    return tr("Test accuracy");
}

bool MetricChart::wants(const store::Series& series) const
{
    switch (m_quantity) {
    case Quantity::Throughput:
        return series.name == "throughput";
    case Quantity::Loss:
        return series.name == "loss";
    case Quantity::Memory:
        return series.name == "memory_bytes" || series.name == "peak_memory_bytes";
    case Quantity::Utilisation:
        return series.name == "utilisation";
    case Quantity::Accuracy:
        break;
    }
    return series.name == "test_accuracy";
}

void MetricChart::buildLayout()
{
    const QString unit = m_quantity == Quantity::Throughput ? tr(" · samples/s")
        : m_quantity == Quantity::Memory                    ? tr(" · solid: in use, dashed: peak")
                                                            : QString();
    m_title = layOutPlot(*this, title() + unit);
    legend->setIconSize(14, 8);

    m_referenceLine = new QCPItemStraightLine(this);
    m_referenceLine->setVisible(false);
    m_referenceEntry = addGraph();
    m_referenceEntry->removeFromLegend();

    m_emptyText = addEmptyText(*this, tr("No samples yet"));
}

void MetricChart::append(const store::Series& series, const std::vector<SeriesPoint>& points)
{
    curve(series).append(points);
    m_appended = true;
}

void MetricChart::showOverview(const store::Series& series, const std::vector<SeriesPoint>& points)
{
    curve(series).showOverview(points);
    m_changed = true;
}

void MetricChart::showSamples()
{
    for (const auto& [id, curve] : m_curves)
        m_changed |= curve->showSamples();
}

Curve& MetricChart::curve(const CurveId& id, const std::optional<CurveLook>& look)
{
    std::unique_ptr<Curve>& curve = m_curves[id];
    if (!curve) {
        curve = std::make_unique<Curve>(this, id, look);
        curve->setXAxis(m_axis);
        curve->setSmoothing(m_smoothing);
        curve->recolour(palette());
        updateLegend();
    }
    return *curve;
}

void MetricChart::remove(const CurveId& id)
{
    const auto found = m_curves.find(id);
    if (found == m_curves.end())
        return;
    found->second->removeFrom(this);
    m_curves.erase(found);
    updateLegend();
}

void MetricChart::setTitle(const QString& title)
{
    m_title->setText(title);
    m_changed = true;
}

void MetricChart::clear()
{
    for (const auto& [id, curve] : m_curves)
        curve->removeFrom(this);
    m_curves.clear();
    setReference(0, {});
    fitAll();
}

void MetricChart::setXAxis(XAxis axis)
{
    m_axis = axis;
    for (const auto& [series, curve] : m_curves)
        curve->setXAxis(axis);
    chooseTickers();
    fitAll();
}

void MetricChart::setSmoothing(double weight)
{
    m_smoothing = weight;
    for (const auto& [series, curve] : m_curves) {
        const bool shown = curve->isShown();
        curve->setSmoothing(weight);
        curve->recolour(palette());
        curve->setShown(shown);
    }
    updateLegend();
}

void MetricChart::setLogScale(bool on)
{
    m_log = on;
    yAxis->setScaleType(on ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    chooseTickers();
    fitAll();
}

void MetricChart::setLogKeys(bool on)
{
    m_logKeys = on;
    xAxis->setScaleType(on ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    chooseTickers();
    fitAll();
}

void MetricChart::setIgnoreOutliers(bool on)
{
    m_ignoreOutliers = on;
    fitAll();
}

void MetricChart::setReference(double value, const QString& label)
{
    m_referenceValue = value > 0 ? value : 0;
    m_referenceLine->setVisible(m_referenceValue > 0);
    m_referenceLine->point1->setCoords(0, m_referenceValue);
    m_referenceLine->point2->setCoords(1, m_referenceValue);
    m_referenceEntry->setName(label);
    updateLegend();
}

void MetricChart::setEmptyText(const QString& text)
{
    m_changed |= m_emptyText->text() != text;
    m_emptyText->setText(text);
}

void MetricChart::chooseTickers()
{
    if (m_axis == XAxis::WallTime)
        xAxis->setTicker(QSharedPointer<QCPAxisTicker>(new ClockTicker));
    else if (m_logKeys)
        xAxis->setTicker(QSharedPointer<QCPAxisTicker>(new DecadeTicker));
    else if (m_axis == XAxis::Time)
        xAxis->setTicker(QSharedPointer<QCPAxisTicker>(new DurationTicker));
    else
        xAxis->setTicker(QSharedPointer<QCPAxisTicker>(new StepTicker));
    xAxis->setLabel(m_axis == XAxis::Step ? tr("step")
            : m_axis == XAxis::WallTime   ? tr("local time")
            : m_logKeys                   ? tr("seconds since start")
                                          : tr("time since start"));
    if (m_quantity == Quantity::Memory)
        yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new BytesTicker));
    else if (m_quantity == Quantity::Utilisation)
        yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new PercentTicker));
    else if (m_log)
        yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new DecadeTicker));
    else
        yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new QCPAxisTicker));
    for (QCPAxis* axis : {xAxis, yAxis}) {
        axis->setNumberFormat(QStringLiteral("g"));
        axis->setNumberPrecision(6);
        axis->ticker()->setTickCount(axis == xAxis ? 6 : 5);
    }
    m_changed = true;
}

void MetricChart::updateLegend()
{
    legend->clearItems();
    legend->simplify();
    for (const auto& [series, curve] : m_curves)
        if (!curve->isCompanion())
            curve->inLegend()->addToLegend(legend);
    if (m_referenceValue > 0)
        m_referenceEntry->addToLegend(legend);
    recolour();
    wrapLegend();
}

void MetricChart::wrapLegend()
{
    gui::wrapLegend(*this);
    m_changed = true;
}

void MetricChart::recolour()
{
    dressPlot(*this, *m_title);
    for (QCPAxis* axis : {xAxis, yAxis})
        axis->setTickLabelPadding(4);
    for (int i = 0; i < legend->itemCount(); ++i) {
        auto* item = qobject_cast<QCPPlottableLegendItem*>(legend->item(i));
        if (item && !item->plottable()->visible())
            item->setTextColor(palette().color(QPalette::Disabled, QPalette::Text));
    }
    const QColor soft = palette().color(QPalette::PlaceholderText);
    m_emptyText->setColor(soft);
    m_emptyText->setFont(font());
    m_referenceLine->setPen(QPen(soft, 1.5, Qt::DashLine));
    m_referenceEntry->setPen(QPen(soft, 1.5, Qt::DashLine));
    for (const auto& [series, curve] : m_curves) {
        const bool shown = curve->isShown();
        curve->recolour(palette());
        curve->setShown(shown);
    }
    m_changed = true;
}

void MetricChart::fitAll()
{
    m_followKeys = true;
    m_followValues = true;
    m_changed = true;
}

void MetricChart::showKeys(const QCPRange& range)
{
    m_followKeys = false;
    xAxis->setRange(range);
    m_changed = true;
}

void MetricChart::fitView()
{
    if (m_followKeys) {
        QCPRange all;
        QCPRange one;
        bool any = false;
        for (const auto& [series, curve] : m_curves)
            if (curve->isShown() && curve->keyRange(one, m_logKeys)) {
                all = any ? QCPRange(std::min(all.lower, one.lower), std::max(all.upper, one.upper)) : one;
                any = true;
            }
        if (!any)
            all = QCPRange(0, m_axis == XAxis::Step ? 100 : 60);
        if (m_logKeys) {
            all.lower = all.lower > 0 ? all.lower : 1;
            xAxis->setRange(all.lower, std::max(all.upper, 2 * all.lower) * 1.05);
        } else {
            all.lower = std::min(all.lower, m_axis == XAxis::Time ? 0.0 : all.lower);
            if (all.size() < 1e-9)
                all.upper = all.lower + 1;
            xAxis->setRange(all.lower - 0.01 * all.size(), all.upper + 0.02 * all.size());
        }
    }
    if (m_followValues)
        fitValues(m_followKeys ? QCPRange() : xAxis->range());
}

void MetricChart::fitValues(const QCPRange& keys)
{
    const bool everything = keys.size() == 0;
    double least = 0;
    double most = 0;
    bool any = false;
    for (const auto& [series, curve] : m_curves) {
        QCPRange one;
        bool found = false;
        if (!curve->isShown())
            continue;
        if (m_ignoreOutliers)
            found = usualValues(*curve, everything ? QCPRange() : keys, one);
        else if (everything)
            found = curve->valueRange(one, m_log);
        else
            one = curve->raw()->getValueRange(found, m_log ? QCP::sdPositive : QCP::sdBoth, keys);
        if (!found)
            continue;
        least = any ? std::min(least, one.lower) : one.lower;
        most = any ? std::max(most, one.upper) : one.upper;
        any = true;
    }
    if (m_referenceValue > 0) {
        least = any ? std::min(least, m_referenceValue) : m_referenceValue;
        most = std::max(most, m_referenceValue);
        any = true;
    }
    if (!any) {
        yAxis->setRange(m_log ? 0.1 : 0, 1);
    } else if (m_log) {
        const double margin = std::max(1.05, std::pow(most / least, 0.06));
        yAxis->setRange(least / margin, most * margin);
    } else if (m_quantity == Quantity::Utilisation) {
        yAxis->setRange(0, 1.05);
    } else if (m_quantity != Quantity::Loss) {
        yAxis->setRange(std::min(0.0, least), most > 0 ? most * 1.1 : 1);
    } else {
        const double margin = most > least ? 0.05 * (most - least) : std::max(1e-6, std::abs(most) * 0.1);
        yAxis->setRange(least - margin, most + margin);
    }
}

// Of a long curve every n-th sample is looked at.
bool MetricChart::usualValues(const Curve& curve, const QCPRange& keys, QCPRange& range) const
{
    constexpr int enough = 20000;
    const auto& data = *curve.raw()->data();
    auto begin = data.constBegin();
    auto end = data.constEnd();
    if (keys.size() != 0) {
        begin = data.findBegin(keys.lower);
        end = data.findEnd(keys.upper);
    }
    const auto every = std::max<std::ptrdiff_t>(1, (end - begin) / enough);
    std::vector<double> values;
    for (std::ptrdiff_t i = 0; i < end - begin; i += every)
        if (const double value = (begin + i)->value; std::isfinite(value) && (!m_log || value > 0))
            values.push_back(value);
    if (values.empty())
        return false;
    range = QCPRange(quantile(values, 0.02), quantile(values, 0.98));
    return true;
}

void MetricChart::replotIfNew()
{
    if (!m_changed && !(m_appended && isWorthDrawing()))
        return;
    prepareToDraw();
    replot(rpQueuedReplot);
}

double MetricChart::newestKey() const
{
    double newest = 0;
    for (const auto& [id, curve] : m_curves)
        if (QCPRange keys; curve->keyRange(keys))
            newest = std::max(newest, keys.upper);
    return newest;
}

// In a long run a new sample is a small part of a pixel.
bool MetricChart::isWorthDrawing() const
{
    const double pixels = (newestKey() - m_drawnUpTo) / xAxis->range().size() * axisRect()->width();
    return pixels >= leastNews || !m_sinceDrawn.isValid() || m_sinceDrawn.hasExpired(longestWait);
}

void MetricChart::prepareToDraw()
{
    m_changed = false;
    m_appended = false;
    m_emptyText->setVisible(m_curves.empty());
    fitView();
    for (const auto& [id, curve] : m_curves)
        curve->placeMarkers();
    m_drawnUpTo = newestKey();
    m_sinceDrawn.start();
}

void MetricChart::replotNow()
{
    wrapLegend();
    prepareToDraw();
    replot(rpImmediateRefresh);
}

void MetricChart::changeEvent(QEvent* event)
{
    QCustomPlot::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) {
        recolour();
        replotIfNew();
    }
}

void MetricChart::resizeEvent(QResizeEvent* event)
{
    wrapLegend();
    QCustomPlot::resizeEvent(event);
}

} // namespace pipebd::gui
