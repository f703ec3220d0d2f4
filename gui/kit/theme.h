// Theme: the colours of the window and of curves. Qt 6.4 does not know the desktop's colour scheme, so the choice is the user's.
#pragma once

#include <QColor>
#include <QPalette>
#include <QString>

#include <optional>

namespace pipebd::gui {

enum class Theme { System, Light, Dark };

QString nameOf(Theme theme); // "system", "light", "dark"; stable, for settings and the command line
std::optional<Theme> themeFromName(const QString& name);

/// Fusion style and the theme's palette for the whole application; System leaves the palette to the desktop.
void applyTheme(Theme theme);

bool isDark(const QPalette& palette);

/// The colour of block or rank `index`: the Okabe-Ito palette, the same hue in every theme.
QColor curveColor(int index, const QPalette& palette);

/// Curves beyond the palette's length repeat its colours with another dash pattern.
Qt::PenStyle curvePenStyle(int index);

} // namespace pipebd::gui
