#include "gui/timeline/timeline_panels.h"

#include "gui/timeline/activity_look.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_words.h"

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

const DrawnDevice* deviceOf(const TimelinePlot& plot, const TimelinePlot::Panel& panel, std::size_t row)
{
    for (const std::size_t timeline : panel.timelines)
        if (row < plot.timelines()[timeline]->devices.size())
            return &plot.timelines()[timeline]->devices[row];
    return nullptr;
}

QString detailsOf(const DrawnTimeline& timeline)
{
    QStringList all{
        timeline.kind == DrawnTimeline::Kind::Measured ? TimelinePanels::tr("measured") : TimelinePanels::tr("predicted")};
    if (timeline.stepPeriod > 0)
        all << TimelinePanels::tr("step %1").arg(timeText(timeline.stepPeriod, timeline.stepPeriod / 500));
    return all.join(QStringLiteral(", "));
}

/// Draws what stands around the rows of one panel.
class PanelPainter {
public:
    PanelPainter(const TimelinePlot& plot, const TimelinePanels& panels, QCPPainter* painter)
        : m_plot(plot)
        , m_panels(panels)
        , m_painter(painter)
        , m_inner(plot.axisRect()->rect())
        , m_text(plot.palette().color(QPalette::Text))
        , m_faint(plot.palette().color(QPalette::PlaceholderText))
        , m_line(plot.palette().color(QPalette::Mid), 0)
        , m_metrics(plot.font())
    {
    }

    bool sees(const TimelinePlot::Panel& panel) const
    {
        return y(panel.bottom) >= m_inner.top() && y(panel.top) <= m_inner.bottom();
    }

    void drawTitle(const TimelinePlot::Panel& panel)
    {
        QFont bold = m_plot.font();
        bold.setBold(true);
        const QFontMetrics boldMetrics(bold);
        const DrawnTimeline& first = *m_plot.timelines()[panel.timelines.front()];
        const QRectF title(8, y(panel.top) + 2, m_inner.right() - 8, m_panels.titleHeight() - 2);
        QString name = first.name;
        QString details = detailsOf(first);
        if (panel.timelines.size() > 1) {
            const DrawnTimeline& second = *m_plot.timelines()[panel.timelines.back()];
            if (second.name != first.name)
                name = TimelinePanels::tr("%1 (top), %2 (bottom)").arg(first.name, second.name);
            details = TimelinePanels::tr("top: %1 · bottom: %2").arg(detailsOf(first), detailsOf(second));
        }
        name = boldMetrics.elidedText(name, Qt::ElideMiddle, static_cast<int>(title.width() * 0.6));
        m_painter->setFont(bold);
        m_painter->setPen(m_text);
        m_painter->drawText(title, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, name);
        const double used = boldMetrics.horizontalAdvance(name) + 10;
        m_painter->setFont(m_plot.font());
        m_painter->setPen(m_faint);
        m_painter->drawText(title.adjusted(used, 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
            m_metrics.elidedText(details, Qt::ElideRight, static_cast<int>(title.width() - used)));
    }

    void drawNames(const TimelinePlot::Panel& panel)
    {
        m_painter->setPen(m_text);
        for (std::size_t row = 0; row < panel.rows; ++row) {
            const DrawnDevice* device = deviceOf(m_plot, panel, row);
            const double top = y(panel.rowsTop + static_cast<double>(row) * m_plot.rowHeight());
            const QRectF place(4, top, m_inner.left() - 10, m_plot.rowHeight());
            if (device && top <= m_inner.bottom() && place.bottom() >= m_inner.top())
                m_painter->drawText(place, Qt::AlignRight | Qt::AlignVCenter | Qt::TextSingleLine,
                    m_metrics.elidedText(device->name, Qt::ElideMiddle, static_cast<int>(place.width())));
        }
    }

    void drawAxis(const TimelinePlot::Panel& panel)
    {
        QVector<double> ticks;
        QVector<QString> labels;
        panel.axis->ticker()->generate(panel.axis->range(), m_plot.locale(), 'f', 6, ticks, nullptr, &labels);
        const double line = y(panel.rowsTop + static_cast<double>(panel.rows) * m_plot.rowHeight()) + 1;
        m_painter->setPen(m_line);
        m_painter->drawLine(QLineF(m_inner.left(), line, m_inner.right(), line));
        m_painter->setPen(m_faint);
        m_painter->drawText(
            QRectF(4, line, m_inner.left() - 10, m_panels.axisHeight()), Qt::AlignRight | Qt::AlignTop, TimelinePanels::tr("ms"));
        for (int i = 0; i < ticks.size(); ++i) {
            const double x = panel.axis->coordToPixel(ticks[i]);
            if (x < m_inner.left() || x > m_inner.right())
                continue;
            m_painter->setPen(m_line);
            m_painter->drawLine(QLineF(x, line, x, line + 4));
            m_painter->setPen(m_text);
            m_painter->drawText(QRectF(x - 60, line + 4, 120, m_panels.axisHeight()), Qt::AlignHCenter | Qt::AlignTop, labels[i]);
        }
    }

private:
    double y(double place) const { return std::round(m_plot.yAxis->coordToPixel(place)); }

    const TimelinePlot& m_plot;
    const TimelinePanels& m_panels;
    QCPPainter* m_painter;
    QRect m_inner;
    QColor m_text;
    QColor m_faint;
    QPen m_line;
    QFontMetrics m_metrics;
};

} // namespace

TimelinePanels::TimelinePanels(TimelinePlot* plot)
    : QCPLayerable(plot, QStringLiteral("axes"))
    , m_plot(plot)
{
}

int TimelinePanels::titleHeight() const
{
    return QFontMetrics(m_plot->font()).height() + 8;
}

int TimelinePanels::axisHeight() const
{
    return QFontMetrics(m_plot->font()).height() + 8;
}

int TimelinePanels::namesWidth() const
{
    const QFontMetrics metrics(m_plot->font());
    int width = metrics.horizontalAdvance(QStringLiteral("device 0"));
    for (const DrawnTimelinePtr& timeline : m_plot->timelines())
        for (const DrawnDevice& device : timeline->devices)
            width = std::max(width, metrics.horizontalAdvance(device.name));
    return std::min(width, m_plot->width() / 4);
}

void TimelinePanels::applyDefaultAntialiasingHint(QCPPainter* painter) const
{
    painter->setAntialiasing(false);
}

QRect TimelinePanels::clipRect() const
{
    QRect rect = m_plot->axisRect()->rect();
    rect.setLeft(0);
    rect.setRight(m_plot->viewport().right());
    return rect;
}

void TimelinePanels::draw(QCPPainter* painter)
{
    PanelPainter drawing(*m_plot, *this, painter);
    for (const TimelinePlot::Panel& panel : m_plot->panels()) {
        if (!drawing.sees(panel))
            continue;
        drawing.drawTitle(panel);
        drawing.drawNames(panel);
        if (m_plot->ownAxes())
            drawing.drawAxis(panel);
    }
}

TimelineLegend::TimelineLegend(QCustomPlot* plot)
    : QCPLayoutElement(plot)
{
    setMargins({});
}

int TimelineLegend::lineHeight() const
{
    return QFontMetrics(mParentPlot->font()).height() + 4;
}

std::vector<TimelineLegend::Entry> TimelineLegend::entries() const
{
    const QFontMetricsF metrics(mParentPlot->font());
    std::vector<Entry> all;
    const auto add = [&](const QString& text) { all.push_back({text, 22 + 5 + metrics.horizontalAdvance(text) + 14}); };
    for (const Activity activity : activities)
        add(activityName(activity));
    add(tr("idle"));
    return all;
}

void TimelineLegend::wrap(int width)
{
    double x = 8;
    m_lines = 1;
    for (const Entry& entry : entries()) {
        if (x + entry.width > width && x > 8) {
            ++m_lines;
            x = 8;
        }
        x += entry.width;
    }
}

QSize TimelineLegend::minimumOuterSizeHint() const
{
    return {0, m_lines * lineHeight() + 8};
}

QSize TimelineLegend::maximumOuterSizeHint() const
{
    return {QWIDGETSIZE_MAX, m_lines * lineHeight() + 8};
}

void TimelineLegend::applyDefaultAntialiasingHint(QCPPainter* painter) const
{
    painter->setAntialiasing(false);
}

void TimelineLegend::draw(QCPPainter* painter)
{
    const QPalette palette = mParentPlot->palette();
    QFont small = mParentPlot->font();
    small.setPixelSize(10);
    double x = 8;
    double y = outerRect().top() + 5;
    const std::vector<Entry> all = entries();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (x + all[i].width > outerRect().width() && x > 8) {
            x = 8;
            y += lineHeight();
        }
        const double middle = y + lineHeight() / 2;
        const bool idle = i == activities.size();
        const bool thin = !idle && activities[i] == Activity::Communication;
        const QRectF swatch(x, thin ? middle - 2 : middle - 6, 22, thin ? 5 : 13);
        if (idle) {
            painter->fillRect(swatch, idleColor(palette));
        } else {
            drawActivity(*painter, swatch, activities[i]);
            painter->setFont(small);
            painter->setPen(Qt::black);
            painter->drawText(swatch, Qt::AlignCenter, activityLetter(activities[i]));
        }
        painter->setFont(mParentPlot->font());
        painter->setPen(palette.color(QPalette::Text));
        painter->drawText(QRectF(x + 27, y, all[i].width, lineHeight()), Qt::AlignLeft | Qt::AlignVCenter, all[i].text);
        x += all[i].width;
    }
}

} // namespace pipebd::gui
