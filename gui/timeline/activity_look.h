// How activities look in every timeline: a colour, a letter and a hatch each, so that colour never stands alone.
#pragma once

#include "gui/timeline/drawn_timeline.h"

#include <QColor>
#include <QPalette>
#include <QRectF>

class QPainter;

namespace pipebd::gui {

/// Okabe-Ito, the same in every theme; black text can be read on each.
QColor activityColor(Activity activity);
/// Of the line with which a bar begins.
QColor activityEdgeColor(Activity activity);
/// The background of a row, where a device does nothing.
QColor idleColor(const QPalette& palette);

/// Fills `rect`, hatched. Lines meet from bar to bar.
void drawActivity(QPainter& painter, const QRectF& rect, Activity activity);
/// Only the hatch.
void drawHatch(QPainter& painter, const QRectF& rect, Activity activity);

} // namespace pipebd::gui
