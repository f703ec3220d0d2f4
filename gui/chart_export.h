// Writing a chart to a file: as a picture, or its samples as a table.
#pragma once

#include <QByteArray>
#include <QSize>
#include <QString>

class QCustomPlot;
class QWidget;

namespace pipebd::gui {

class MetricChart;
class Settings;

/// By the suffix: png, pdf, svg or csv. Throws Error{BadRequest} for another one and Error{System} if the file cannot be written.
void exportChart(MetricChart& chart, const QString& file);

/// Asks for the file, `name` and the chart's title being suggested, and reports what goes wrong in a message; returns at once.
void exportChartInteractively(MetricChart& chart, const QString& name, Settings& settings, QWidget* parent);

/// `plot` drawn `size` large, as "png" (twice as many pixels), "pdf" or "svg".
QByteArray pictureOf(QCustomPlot& plot, const QString& title, QSize size, const QString& suffix);

} // namespace pipebd::gui
