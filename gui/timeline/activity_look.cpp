#include "gui/timeline/activity_look.h"

#include <QPainter>
#include <QVarLengthArray>

#include <algorithm>
#include <array>
#include <cmath>

namespace pipebd::gui {

namespace {

constexpr double spacing = 7; // of hatch lines

using Lines = QVarLengthArray<QLineF, 256>;

void addHorizontal(Lines& lines, const QRectF& rect)
{
    for (double y = rect.top() + 3; y < rect.bottom() - 1; y += 4)
        lines.append({rect.left(), y, rect.right(), y});
}

void addVertical(Lines& lines, const QRectF& rect, double every)
{
    for (double x = std::ceil(rect.left() / every) * every; x < rect.right(); x += every)
        lines.append({x, rect.top(), x, rect.bottom()});
}

// Lines on which x + y, or x - y, is a multiple of the spacing, cut at the rectangle.
void addDiagonal(Lines& lines, const QRectF& rect, bool rising)
{
    const double least = rising ? rect.left() + rect.top() : rect.left() - rect.bottom();
    const double most = rising ? rect.right() + rect.bottom() : rect.right() - rect.top();
    for (double c = std::ceil(least / spacing) * spacing; c < most; c += spacing) {
        const double atTop = rising ? c - rect.top() : c + rect.top();
        const double atBottom = rising ? c - rect.bottom() : c + rect.bottom();
        const double x1 = std::clamp(atTop, rect.left(), rect.right());
        const double x2 = std::clamp(atBottom, rect.left(), rect.right());
        lines.append({x1, rising ? c - x1 : x1 - c, x2, rising ? c - x2 : x2 - c});
    }
}

} // namespace

QColor activityColor(Activity activity)
{
    switch (activity) {
    case Activity::Load:
        return QColor(0xcc79a7);
    case Activity::TeacherForward:
        return QColor(0x56b4e9);
    case Activity::StudentForward:
        return QColor(0x20b088); // Okabe and Ito's green, light enough for black text
    case Activity::StudentBackward:
        return QColor(0xe8752a); // and their vermilion
    case Activity::Update:
        return QColor(0xf0e442);
    case Activity::Communication:
        return QColor(0x7f8fd0); // their blue, likewise
    case Activity::Barrier:
        break;
    }
    return QColor(0x8c8c8c);
}

QColor activityEdgeColor(Activity activity)
{
    static const auto colours = [] {
        std::array<QColor, activities.size()> all;
        for (const Activity each : activities)
            all[static_cast<std::size_t>(each)] = activityColor(each).darker(170).rgb();
        return all;
    }();
    return colours[static_cast<std::size_t>(activity)];
}

QColor idleColor(const QPalette& palette)
{
    const QColor base = palette.color(QPalette::Base);
    return base.lightness() < 128 ? base.lighter(215) : base.darker(109);
}

void drawHatch(QPainter& painter, const QRectF& rect, Activity activity)
{
    Lines lines;
    switch (activity) {
    case Activity::TeacherForward:
        return; // plain
    case Activity::StudentForward:
        addDiagonal(lines, rect, true);
        break;
    case Activity::StudentBackward:
        addDiagonal(lines, rect, false);
        break;
    case Activity::Update:
        addDiagonal(lines, rect, true);
        addDiagonal(lines, rect, false);
        break;
    case Activity::Load:
        addHorizontal(lines, rect);
        break;
    case Activity::Communication:
        addVertical(lines, rect, 4);
        break;
    case Activity::Barrier:
        addVertical(lines, rect, 2);
        break;
    }
    QPen pen(QColor(0, 0, 0, 55), 0); // cosmetic
    painter.setPen(pen);
    painter.drawLines(lines.constData(), static_cast<int>(lines.size()));
}

void drawActivity(QPainter& painter, const QRectF& rect, Activity activity)
{
    painter.fillRect(rect, activityColor(activity));
    drawHatch(painter, rect, activity);
}

} // namespace pipebd::gui
