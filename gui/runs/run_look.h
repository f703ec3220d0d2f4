// How a run is told from others where several are drawn: by its number, always the same colour and the same marker.
#pragma once

#include "gui/charts/curve.h"

#include <QIcon>
#include <QPalette>
#include <QString>

namespace pipebd::gui {

/// The first 64 numbers look different; neighbours differ in colour and in marker.
CurveLook lookOf(int run, const QString& name);

/// A piece of its line, with its marker.
QIcon swatchOf(int run, const QPalette& palette);

} // namespace pipebd::gui
