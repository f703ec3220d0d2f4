// Writing a chart to a file: as a picture, or its samples as a table.
#pragma once

#include <QString>

class QWidget;

namespace pipebd::gui {

class MetricChart;
class Settings;

/// By the suffix: png, pdf, svg or csv. Throws Error{BadRequest} for another one and Error{System} if the file cannot be written.
void exportChart(MetricChart& chart, const QString& file);

/// Asks for the file, `name` and the chart's title being suggested, and reports what goes wrong in a message; returns at once.
void exportChartInteractively(MetricChart& chart, const QString& name, Settings& settings, QWidget* parent);

} // namespace pipebd::gui
