// How every chart looks: a title and a legend above the axes, in the palette's colours.
#pragma once

#include <QString>

class QCPItemText;
class QCPTextElement;
class QCustomPlot;

namespace pipebd::gui {

/// Puts a title and the legend, which wraps, above the axes; returns the title, which the plot owns.
QCPTextElement* layOutPlot(QCustomPlot& plot, const QString& title);

/// Words in the middle of `plot`, which owns them: why there is nothing in it.
QCPItemText* addEmptyText(QCustomPlot& plot, const QString& text);

/// Colours and fonts of `plot`'s palette for everything but plottables.
void dressPlot(QCustomPlot& plot, QCPTextElement& title);

/// As many columns as fit the plot's width; call it when that or the legend has changed.
void wrapLegend(QCustomPlot& plot);

} // namespace pipebd::gui
