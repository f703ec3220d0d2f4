// Writing a chart to a file: as a picture, or its samples as a table; and what exports of other things need as well.
#pragma once

#include <QByteArray>
#include <QSize>
#include <QString>
#include <QStringList>

#include <functional>

class QCustomPlot;
class QWidget;

namespace pipebd::gui {

class MetricChart;
class Settings;

/// By the suffix: png, pdf, svg or csv. Throws Error{BadRequest} for another one and Error{System} if the file cannot be written.
void exportChart(MetricChart& chart, const QString& file);

/// Asks for the file, starting in the folder used last, and reports what goes wrong in a message.
void exportChartInteractively(MetricChart& chart, const QString& runName, Settings& settings, QWidget* parent);

/// `plot` drawn `size` large, as "png" (twice as many pixels), "pdf" or "svg".
QByteArray pictureOf(QCustomPlot& plot, const QString& title, QSize size, const QString& suffix);

/// All of `contents`, or the file stays as it was. Throws Error{System} if it cannot be written.
void writeFile(const QString& file, const QByteArray& contents);

/// Asks for a file of one of the kinds in `filters` ("PNG image (*.png)"), has it written, and reports what goes wrong in a
/// message.
void exportInteractively(const QString& title, const QString& proposedName, const QStringList& filters, Settings& settings,
    QWidget* parent, const std::function<void(const QString& file)>& write);

void showExportError(const QString& error, QWidget* parent);

} // namespace pipebd::gui
