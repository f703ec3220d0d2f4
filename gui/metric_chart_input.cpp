// What the mouse does to a chart.
#include "base/units.h"
#include "gui/metric_chart.h"

#include <QContextMenuEvent>
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
        place = m_axis == XAxis::Time ? tr("%1 s").arg(locale().toString(nearest->key, 'f', 1))
                                      : tr("step %1").arg(locale().toString(nearest->key, 'f', 0));
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
    for (const auto& [series, curve] : m_curves) {
        if (curve->front() != entry->plottable())
            continue;
        const bool shown = !curve->raw()->visible();
        for (const auto& [other, sameColour] : m_curves)
            if (other.rank == series.rank && other.block == series.block) {
                sameColour->raw()->setVisible(shown);
                sameColour->smooth()->setVisible(shown && m_smoothing > 0);
            }
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
