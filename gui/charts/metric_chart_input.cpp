// What the mouse does to a chart.
#include "base/units.h"
#include "gui/charts/metric_chart.h"

#include <QContextMenuEvent>
#include <QDateTime>
#include <QMenu>
#include <QMouseEvent>
#include <QToolTip>
#include <QWheelEvent>

#include <cmath>

namespace pipebd::gui {

void MetricChart::wheelEvent(QWheelEvent* event)
{
    const bool values = event->modifiers().testFlag(Qt::ShiftModifier);
    axisRect()->setRangeZoom(values ? Qt::Vertical : Qt::Horizontal);
    (values ? m_followValues : m_followKeys) = false;
    QCustomPlot::wheelEvent(event);
    m_changed = true;
    if (!values)
        emit keysShown(xAxis->range());
}

void MetricChart::mousePressEvent(QMouseEvent* event)
{
    axisRect()->setRangeDrag(event->modifiers().testFlag(Qt::ShiftModifier) ? Qt::Vertical : Qt::Horizontal);
    QCustomPlot::mousePressEvent(event);
}

void MetricChart::mouseMoveEvent(QMouseEvent* event)
{
    const QCPRange keys = xAxis->range();
    const QCPRange values = yAxis->range();
    QCustomPlot::mouseMoveEvent(event);
    if (event->buttons().testFlag(Qt::LeftButton)) {
        if (xAxis->range() != keys) {
            m_followKeys = false;
            m_changed = true;
            emit keysShown(xAxis->range());
        }
        if (yAxis->range() != values)
            m_followValues = false;
        return;
    }
    if (!axisRect()->rect().contains(event->pos()) || m_curves.empty()) {
        QToolTip::hideText();
        return;
    }
    QToolTip::showText(event->globalPosition().toPoint(), readout(xAxis->pixelToCoord(event->position().x())), this);
}

QString MetricChart::keyText(double key) const
{
    switch (m_axis) {
    case XAxis::Step:
        return tr("step %1").arg(locale().toString(key, 'f', 0));
    case XAxis::Time:
        return tr("%1 s").arg(locale().toString(key, 'f', 1));
    case XAxis::WallTime:
        break;
    }
    return locale().toString(QDateTime::fromMSecsSinceEpoch(std::llround(1000 * key)), QLocale::ShortFormat);
}

QString MetricChart::readout(double key) const
{
    QString rows;
    QString place;
    for (const auto& [series, curve] : m_curves) {
        const QCPGraph* graph = curve->front();
        if (!graph->visible() || graph->data()->isEmpty())
            continue;
        auto nearest = graph->data()->findBegin(key, true);
        const auto next = nearest + 1;
        if (next != graph->data()->constEnd() && std::abs(next->key - key) < std::abs(nearest->key - key))
            nearest = next;
        place = keyText(nearest->key);
        const QString value = m_quantity == Quantity::Memory ? QString::fromStdString(format_bytes(std::llround(nearest->value)))
            : m_quantity == Quantity::Utilisation            ? tr("%1 %").arg(locale().toString(100 * nearest->value, 'f', 0))
                                                             : locale().toString(nearest->value, 'g', 5);
        rows += QStringLiteral("<tr><td><font color=\"%1\">■</font> %2%3&nbsp;</td><td align=\"right\">%4</td></tr>")
                    .arg(graph->pen().color().name(), curve->label().toHtmlEscaped(),
                        curve->isCompanion() ? tr(", peak") : QString(), value);
    }
    return rows.isEmpty() ? QString() : QStringLiteral("<b>%1</b><table>%2</table>").arg(place, rows);
}

void MetricChart::toggleCurve(QCPAbstractLegendItem* item)
{
    auto* entry = qobject_cast<QCPPlottableLegendItem*>(item);
    if (!entry)
        return;
    for (const auto& [id, curve] : m_curves) {
        if (curve->inLegend() != entry->plottable())
            continue;
        const bool shown = !curve->isShown();
        for (const auto& [other, sameColour] : m_curves)
            if (other.run == id.run && other.series.rank == id.series.rank && other.series.block == id.series.block)
                sameColour->setShown(shown);
        break;
    }
    recolour();
    replotIfNew();
}

void MetricChart::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    connect(menu.addAction(tr("&Export %1…").arg(title())), &QAction::triggered, this, &MetricChart::exportRequested);
    connect(menu.addAction(tr("&Fit all")), &QAction::triggered, this, &MetricChart::fitRequested);
    menu.exec(event->globalPos());
}

} // namespace pipebd::gui
