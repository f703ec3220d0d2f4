// Icons: the program's own SVG drawings, in a colour that suits the palette.
#pragma once

#include <QColor>
#include <QIcon>
#include <QString>

namespace pipebd::gui {

/// resources/icons/NAME.svg with `currentColor` replaced; drawn here, so that no icon theme or icon engine plugin is needed.
QIcon tintedIcon(const QString& name, const QColor& colour);

/// The program's own icon, in its own colours.
QIcon applicationIcon();

} // namespace pipebd::gui
