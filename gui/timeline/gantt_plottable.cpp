#include "gui/timeline/gantt_plottable.h"

#include "gui/timeline/activity_look.h"
#include "gui/timeline/timeline_words.h"

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double gap = 2; // above and below the lanes of a row
constexpr double hatchedFrom = 12; // pixels of width
constexpr double edgedFrom = 4;

int toInt(double value)
{
    return static_cast<int>(value);
}

} // namespace

/// Columns are pixels of the device, not of the coordinate system.
struct GanttPlottable::Columns {
    int count = 0;
    double left = 0; // of the first, in coordinates
    double scale = 1; // pixels of the device a unit
    double origin = 0; // ms at the first
    double perMillisecond = 0;
    QRectF clip;

    double of(double time) const { return (time - origin) * perMillisecond; }
    double toX(double column) const { return left + column / scale; }
};

GanttPlottable::GanttPlottable(QCPAxis* keyAxis, QCPAxis* valueAxis)
    : QCPAbstractPlottable(keyAxis, valueAxis)
{
    setSelectable(QCP::stNone);
    setAntialiased(false);
    removeFromLegend();
}

void GanttPlottable::setTimeline(DrawnTimelinePtr timeline, Slot slot)
{
    m_timeline = std::move(timeline);
    m_slot = slot;
}

void GanttPlottable::setRows(double top, double rowHeight, double memoryHeight)
{
    m_memoryHeight = memoryHeight;
    m_top = top;
    m_rowHeight = rowHeight;
}

GanttPlottable::Lane GanttPlottable::lane(std::size_t device, bool communication) const
{
    const double top = m_top + static_cast<double>(device) * m_rowHeight + gap;
    const double all = (m_rowHeight - m_memoryHeight - 2 * gap) / (m_slot == Slot::Whole ? 1 : 2);
    const double thin = std::clamp(std::round(all * 0.22), 3.0, 9.0);
    const double work = std::floor(all - thin - 1);
    switch (m_slot) {
    case Slot::Whole:
        return communication ? Lane{top + work + 1, thin} : Lane{top, work};
    case Slot::Upper: // work in the middle, so that it touches the other timeline's
        return communication ? Lane{top, thin} : Lane{top + all - work, work};
    case Slot::Lower:
        break;
    }
    return communication ? Lane{top + 2 * all - thin, thin} : Lane{top + all + 1, work - 1}; // a line between them
}

GanttPlottable::Lane GanttPlottable::memoryLane(std::size_t device) const
{
    return {m_top + static_cast<double>(device + 1) * m_rowHeight - m_memoryHeight, std::max(0.0, m_memoryHeight - gap)};
}

QRectF GanttPlottable::pixels(Lane lane) const
{
    const double top = std::round(mValueAxis->coordToPixel(lane.top));
    return {mKeyAxis->axisRect()->left() * 1.0, top, mKeyAxis->axisRect()->width() * 1.0, std::round(lane.height)};
}

QRectF GanttPlottable::barOf(std::size_t device, bool communication, std::size_t span) const
{
    const DrawnSpan& drawn = m_timeline->devices[device].track(communication).spans[span];
    QRectF bar = pixels(lane(device, communication));
    const double left = mKeyAxis->coordToPixel(drawn.start);
    const double right = mKeyAxis->coordToPixel(drawn.end);
    bar.setLeft(left);
    bar.setRight(std::max(right, left + 1));
    return bar;
}

double GanttPlottable::selectTest(const QPointF&, bool, QVariant*) const
{
    return -1;
}

QCPRange GanttPlottable::getKeyRange(bool& foundRange, QCP::SignDomain) const
{
    foundRange = m_timeline != nullptr && m_timeline->end > m_timeline->begin;
    return foundRange ? QCPRange(m_timeline->begin, m_timeline->end) : QCPRange();
}

QCPRange GanttPlottable::getValueRange(bool& foundRange, QCP::SignDomain, const QCPRange&) const
{
    foundRange = m_timeline != nullptr && !m_timeline->devices.empty();
    return foundRange ? QCPRange(m_top, m_top + m_rowHeight * static_cast<double>(m_timeline->devices.size())) : QCPRange();
}

void GanttPlottable::draw(QCPPainter* painter)
{
    if (!m_timeline)
        return;
    Columns columns;
    columns.clip = clipRect();
    columns.scale = painter->modes().testFlag(QCPPainter::pmVectorized) ? 1 : painter->deviceTransform().m11();
    columns.count = std::max(1, toInt(std::ceil(columns.clip.width() * columns.scale)));
    columns.left = columns.clip.left();
    columns.origin = mKeyAxis->pixelToCoord(columns.left);
    columns.perMillisecond = columns.clip.width() * columns.scale / mKeyAxis->range().size();

    QFont font = mParentPlot->font();
    font.setPixelSize(std::clamp(toInt(lane(0, false).height) - 5, 8, 12));
    if (font != m_labelFont || columns.scale != m_labelScale) {
        m_labels.clear();
        m_labelFont = font;
        m_labelScale = columns.scale;
    }
    painter->setAntialiasing(false);
    painter->setFont(font);
    for (std::size_t device = 0; device < m_timeline->devices.size(); ++device) {
        for (const bool communication : {false, true})
            drawTrack(*painter, columns, device, communication);
        if (m_memoryHeight > 0 && m_slot != Slot::Lower)
            drawMemory(*painter, columns, device);
    }
}

// In each column the most that is held in it; its height is a share of the most memory.
void GanttPlottable::drawMemory(QCPPainter& painter, const Columns& columns, std::size_t device)
{
    const QRectF lane = pixels(memoryLane(device));
    const std::vector<schedule::MemoryPoint>& points = m_timeline->devices[device].memory;
    if (points.empty() || m_mostMemory <= 0 || !lane.intersects(columns.clip))
        return;
    QColor colour = mParentPlot->palette().color(QPalette::Text);
    colour.setAlpha(90);
    const int first = std::clamp(toInt(columns.of(m_timeline->begin)), 0, columns.count);
    const int last = std::clamp(toInt(std::ceil(columns.of(m_timeline->end))), 0, columns.count);
    auto next = std::upper_bound(points.begin(), points.end(), columns.origin + first / columns.perMillisecond,
        [](double time, const schedule::MemoryPoint& point) { return time < point.time; });
    std::int64_t held = next == points.begin() ? 0 : std::prev(next)->bytes;
    int begin = first; // of the columns that are equally high
    double height = -1;
    for (int column = first; column <= last; ++column) {
        std::int64_t most = held;
        for (; next != points.end() && columns.of(next->time) < column + 1; ++next)
            most = std::max(most, held = next->bytes);
        const double now
            = column == last ? -1 : std::round(lane.height() * static_cast<double>(most) / static_cast<double>(m_mostMemory));
        if (now == height)
            continue;
        if (height > 0)
            painter.fillRect(QRectF(columns.toX(begin), lane.bottom() - height, (column - begin) / columns.scale, height), colour);
        begin = column;
        height = now;
    }
}

void GanttPlottable::drawTrack(QCPPainter& painter, const Columns& columns, std::size_t device, bool communication)
{
    const QRectF lane = pixels(this->lane(device, communication));
    if (!lane.intersects(columns.clip))
        return;
    QRectF row = lane;
    row.setLeft(columns.toX(std::clamp(std::round(columns.of(m_timeline->begin)), 0.0, columns.count * 1.0)));
    row.setRight(columns.toX(std::clamp(std::round(columns.of(m_timeline->end)), 0.0, columns.count * 1.0)));
    if (!communication)
        painter.fillRect(row, idleColor(mParentPlot->palette()));
    findBars(columns, m_timeline->devices[device].track(communication));
    drawBars(painter, columns, lane, device, communication);
    drawStacks(
        painter, columns, lane, communication ? mParentPlot->palette().color(QPalette::Base) : idleColor(mParentPlot->palette()));
}

// A span of a column's width or more is a bar between whole columns. What is narrower makes its columns dense: they are drawn by
// the exact shares of all that is in them, parts of bars too.
void GanttPlottable::findBars(const Columns& columns, const Track& track)
{
    const auto count = static_cast<std::size_t>(columns.count);
    m_bars.clear();
    m_instants.clear();
    m_shares.assign(count, {});
    m_dense.assign(count, 0);
    const double width = columns.count;
    const auto addShare = [&](double from, double to, Activity activity) {
        if (to > from && from >= 0 && from < width)
            m_shares[static_cast<std::size_t>(from)][static_cast<std::size_t>(activity)] += static_cast<float>(to - from);
    };
    const double last = columns.origin + width / columns.perMillisecond;
    for (std::size_t i = track.firstEndingAfter(columns.origin - 1e-12 * std::abs(columns.origin)); i < track.spans.size(); ++i) {
        const DrawnSpan& span = track.spans[i];
        if (span.start > last)
            break;
        const double from = columns.of(span.start);
        const double to = columns.of(span.end);
        if (to <= 0 || from >= width)
            continue;
        if (span.end <= span.start) {
            m_instants.push_back({toInt(from), toInt(from) + 1, &span});
            continue;
        }
        if (to - from >= 1) {
            const int left = toInt(std::round(std::max(from, 0.0)));
            const int right = std::max(left + 1, toInt(std::round(std::min(to, width))));
            m_bars.push_back({left, right, &span});
            addShare(from, std::floor(from) + 1, span.activity);
            if (std::floor(to) > from)
                addShare(std::floor(to), to, span.activity);
            continue;
        }
        const double middle = std::min(to, std::floor(from) + 1);
        addShare(from, middle, span.activity);
        addShare(middle, to, span.activity);
        if (from >= 0)
            m_dense[static_cast<std::size_t>(from)] = 1;
        if (to > middle && middle < width)
            m_dense[static_cast<std::size_t>(middle)] = 1;
    }
}

void GanttPlottable::drawBars(
    QCPPainter& painter, const Columns& columns, const QRectF& lane, std::size_t device, bool communication)
{
    for (const Bar& bar : m_bars) {
        const Activity activity = bar.span->activity;
        const QRectF rect(columns.toX(bar.left), lane.top(), (bar.right - bar.left) / columns.scale, lane.height());
        painter.fillRect(rect, activityColor(activity));
        if (rect.width() >= hatchedFrom)
            drawHatch(painter, rect, activity);
        if (rect.width() >= edgedFrom)
            painter.fillRect(QRectF(rect.left(), rect.top(), 1 / columns.scale, rect.height()), activityEdgeColor(activity));
        if (rect.width() >= hatchedFrom && !communication)
            drawLabel(painter, rect, m_timeline->instruction(device, *bar.span));
    }
    int before = -100;
    for (const Bar& instant : m_instants) {
        if (instant.left - before < 4)
            continue; // a line each would hide all else
        before = instant.left;
        painter.fillRect(QRectF(columns.toX(instant.left), lane.top(), 1 / columns.scale, lane.height()),
            mParentPlot->palette().color(QPalette::Text));
    }
}

void GanttPlottable::drawStacks(QCPPainter& painter, const Columns& columns, const QRectF& lane, const QColor& background)
{
    const auto firstDense = std::find(m_dense.begin(), m_dense.end(), 1);
    if (firstDense == m_dense.end())
        return;
    const int first = toInt(static_cast<double>(firstDense - m_dense.begin()));
    const int last = toInt(static_cast<double>(m_dense.rend() - std::find(m_dense.rbegin(), m_dense.rend(), 1))) - 1;
    const int height = std::max(1, toInt(std::round(lane.height() * columns.scale)));
    QImage picture(last - first + 1, height, QImage::Format_ARGB32_Premultiplied);
    picture.fill(Qt::transparent);
    auto* pixels = reinterpret_cast<QRgb*>(picture.bits());
    const auto stride = picture.bytesPerLine() / static_cast<qsizetype>(sizeof(QRgb));
    const QRgb idle = background.rgb();
    std::array<QRgb, activities.size()> colours{};
    for (const Activity activity : activities)
        colours[static_cast<std::size_t>(activity)] = activityColor(activity).rgb();

    constexpr float least = 0.2F; // of the lane, for what would not be seen otherwise
    for (int column = first; column <= last; ++column) {
        if (!m_dense[static_cast<std::size_t>(column)])
            continue;
        const auto& shares = m_shares[static_cast<std::size_t>(column)];
        float sum = 0;
        for (const float share : shares)
            sum += share;
        const float stretch = sum > 1 ? 1 / sum : sum < least ? least / sum : 1; // transfers may overlap
        int row = height - 1;
        float filled = 0;
        QRgb* const top = pixels + (column - first);
        for (std::size_t i = 0; i < shares.size(); ++i) {
            if (shares[i] <= 0)
                continue;
            filled += shares[i] * stretch;
            const int until = std::min(row - 1, height - 1 - static_cast<int>(std::lround(filled * static_cast<float>(height))));
            for (; row > until && row >= 0; --row)
                top[row * stride] = colours[i];
        }
        for (; row >= 0; --row)
            top[row * stride] = idle;
    }
    painter.drawImage(QRectF(columns.toX(first), lane.top(), picture.width() / columns.scale, lane.height()), picture);
}

void GanttPlottable::drawLabel(QCPPainter& painter, const QRectF& bar, const schedule::Instruction& instruction)
{
    const int key = static_cast<int>(instruction.op) * 1'000'000 + instruction.block;
    auto found = m_labels.find(key);
    if (found == m_labels.end()) {
        const QString text = shortText(instruction);
        const QFontMetricsF metrics(m_labelFont);
        Label label;
        label.width = std::ceil(metrics.horizontalAdvance(text));
        label.picture = QPixmap(QSize(std::max(1, toInt(label.width)), toInt(std::ceil(metrics.height()))) * m_labelScale);
        label.picture.setDevicePixelRatio(m_labelScale);
        label.picture.fill(Qt::transparent);
        QPainter writer(&label.picture);
        writer.setFont(m_labelFont);
        writer.setPen(Qt::black);
        writer.drawText(QPointF(0, metrics.ascent()), text);
        found = m_labels.emplace(key, std::move(label)).first;
    }
    const Label& label = found->second;
    if (label.width + 4 > bar.width() || bar.height() < 9)
        return;
    if (painter.modes().testFlag(QCPPainter::pmVectorized)) {
        painter.setPen(Qt::black);
        painter.drawText(bar, Qt::AlignCenter, shortText(instruction));
        return;
    }
    const QSizeF size = label.picture.size() / m_labelScale;
    painter.drawPixmap(
        QPointF(std::round(bar.center().x() - size.width() / 2), std::round(bar.center().y() - size.height() / 2)), label.picture);
}

void GanttPlottable::drawLegendIcon(QCPPainter*, const QRectF&) const { }

} // namespace pipebd::gui
