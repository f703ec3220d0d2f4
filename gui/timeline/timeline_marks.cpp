#include "gui/timeline/timeline_marks.h"

#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_words.h"

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double widest = 1e5; // pixels; bars that reach further are cut before they are drawn

QRectF cut(const QRectF& rect)
{
    return rect.intersected(QRectF(-widest, -widest, 2 * widest, 2 * widest));
}

/// A frame that can be seen on every colour.
void drawFrame(QCPPainter& painter, const QRectF& rect, const QPalette& palette, bool strong)
{
    painter.setBrush(Qt::NoBrush);
    if (strong) {
        painter.setPen(QPen(palette.color(QPalette::Base), 4));
        painter.drawRect(rect);
    }
    painter.setPen(QPen(palette.color(QPalette::Text), strong ? 2 : 1));
    painter.drawRect(rect);
}

} // namespace

TimelineMarks::TimelineMarks(TimelinePlot* plot)
    : QCPLayerable(plot, QStringLiteral("marks"))
    , m_plot(plot)
{
}

void TimelineMarks::applyDefaultAntialiasingHint(QCPPainter* painter) const
{
    painter->setAntialiasing(false);
}

QRect TimelineMarks::clipRect() const
{
    return m_plot->viewport();
}

void TimelineMarks::draw(QCPPainter* painter)
{
    const QRect inner = m_plot->axisRect()->rect();
    painter->save();
    painter->setClipRect(inner.adjusted(-1, 0, 1, 0));
    drawSelection(*painter);
    if (m_plot->m_hovered && m_plot->has(*m_plot->m_hovered))
        drawFrame(*painter, cut(m_plot->barOf(*m_plot->m_hovered)).adjusted(0, 0, 0, -1), m_plot->palette(), false);
    if (m_plot->m_chosen && m_plot->has(*m_plot->m_chosen))
        drawFrame(*painter, cut(m_plot->barOf(*m_plot->m_chosen)).adjusted(0, 0, 0, -1), m_plot->palette(), true);
    drawCursors(*painter);
    painter->restore();
    if (m_plot->hasFocus() && !painter->modes().testFlag(QCPPainter::pmNoCaching)) {
        painter->setBrush(Qt::NoBrush);
        painter->setPen(QPen(m_plot->palette().color(QPalette::Highlight), 1));
        painter->drawRect(m_plot->viewport().adjusted(0, 0, -1, -1));
    }
}

// A veil over all that is not selected.
void TimelineMarks::drawSelection(QCPPainter& painter) const
{
    const bool selecting = m_plot->m_drag == TimelinePlot::Drag::Select && !m_plot->m_rubberRows.empty();
    const std::vector<RowPlace>& rows = selecting ? m_plot->m_rubberRows : m_plot->m_selectedRows;
    const TimeRange times = selecting ? m_plot->m_rubber : m_plot->m_selectedTimes;
    if (!selecting && m_plot->selection().empty())
        return;
    const QRect inner = m_plot->axisRect()->rect();
    QColor veil = m_plot->palette().color(QPalette::Base);
    veil.setAlpha(165);
    QColor frame = m_plot->palette().color(QPalette::Highlight);
    for (const TimelinePlot::Panel& panel : m_plot->panels()) {
        const double left = std::clamp(panel.axis->coordToPixel(times.from), inner.left() * 1.0, inner.right() + 1.0);
        const double right = std::clamp(panel.axis->coordToPixel(times.to), inner.left() * 1.0, inner.right() + 1.0);
        for (std::size_t device = 0; device < panel.rows; ++device) {
            const double top
                = std::round(m_plot->yAxis->coordToPixel(panel.rowsTop + static_cast<double>(device) * m_plot->rowHeight()));
            const QRectF row(inner.left(), top, inner.width(), m_plot->rowHeight());
            const bool selected = std::any_of(rows.begin(), rows.end(), [&](const RowPlace& place) {
                return place.device == device
                    && std::find(panel.timelines.begin(), panel.timelines.end(), place.timeline) != panel.timelines.end();
            });
            if (!selected) {
                painter.fillRect(row, veil);
                continue;
            }
            painter.fillRect(QRectF(row.left(), top, left - row.left(), row.height()), veil);
            painter.fillRect(QRectF(right, top, row.right() - right, row.height()), veil);
            painter.setPen(QPen(frame, 1));
            painter.drawLine(QLineF(left, top, left, row.bottom()));
            painter.drawLine(QLineF(right, top, right, row.bottom()));
            if (selecting && rows.front().device == device
                && std::find(panel.timelines.begin(), panel.timelines.end(), rows.front().timeline) != panel.timelines.end()) {
                const QString text = rangeText(times);
                const QFontMetricsF metrics(m_plot->font());
                QRectF box(left + 4, top + 2, metrics.horizontalAdvance(text) + 8, metrics.height() + 2);
                box.moveRight(std::min(box.right(), inner.right() * 1.0));
                painter.fillRect(box, m_plot->palette().color(QPalette::ToolTipBase));
                painter.setFont(m_plot->font());
                painter.setPen(m_plot->palette().color(QPalette::ToolTipText));
                painter.drawText(box, Qt::AlignCenter, text);
            }
        }
    }
}

void TimelineMarks::drawCursors(QCPPainter& painter) const
{
    const QRect inner = m_plot->axisRect()->rect();
    const QPalette palette = m_plot->palette();
    painter.setFont(m_plot->font());
    const QFontMetricsF metrics(m_plot->font());
    const auto drawIn = [&](const QCPAxis& axis, double top, double bottom) {
        for (std::size_t i = 0; i < m_plot->m_cursors.size(); ++i) {
            const double x = std::round(axis.coordToPixel(m_plot->m_cursors[i]));
            if (x < inner.left() || x > inner.right())
                continue;
            painter.setPen(QPen(palette.color(QPalette::Base), 3));
            painter.drawLine(QLineF(x, top, x, bottom));
            painter.setPen(QPen(palette.color(QPalette::Text), 1, i == 0 ? Qt::SolidLine : Qt::DashLine));
            painter.drawLine(QLineF(x, top, x, bottom));
            const QString text = QString::number(i + 1);
            const QRectF flag(x, top, metrics.horizontalAdvance(text) + 8, metrics.height());
            painter.fillRect(flag, palette.color(QPalette::Text));
            painter.setPen(palette.color(QPalette::Base));
            painter.drawText(flag, Qt::AlignCenter, text);
        }
    };
    if (!m_plot->ownAxes())
        return drawIn(*m_plot->xAxis, inner.top(), inner.bottom() + 1);
    for (const TimelinePlot::Panel& panel : m_plot->panels())
        drawIn(*panel.axis, m_plot->yAxis->coordToPixel(panel.top + 1),
            m_plot->yAxis->coordToPixel(panel.rowsTop + static_cast<double>(panel.rows) * m_plot->rowHeight()));
}

} // namespace pipebd::gui
