#include "gui/chart_export.h"

#include "base/error.h"
#include "gui/error_text.h"
#include "gui/metric_chart.h"
#include "gui/settings.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QSaveFile>
#include <QSvgGenerator>
#include <QTextStream>

namespace pipebd::gui {

namespace {

[[noreturn]] void cannotWrite(const QString& file)
{
    throw Error(Code::System, "the chart cannot be written", file.toStdString(), "choose a folder that you may write to");
}

void exportSvg(MetricChart& chart, const QString& file)
{
    QSvgGenerator generator;
    generator.setFileName(file);
    generator.setSize(chart.size());
    generator.setViewBox(QRect({0, 0}, chart.size()));
    generator.setTitle(chart.title());
    QCPPainter painter;
    if (!painter.begin(&generator))
        cannotWrite(file);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    chart.toPainter(&painter, chart.width(), chart.height());
    painter.end();
}

QByteArray number(double value)
{
    return QByteArray::number(value, 'g', 17);
}

QByteArray csvOf(const MetricChart& chart)
{
    QByteArray text = "series,rank,block,step,seconds,value\r\n"; // RFC 4180; names of series need no quotes
    for (const auto& [series, curve] : chart.curves())
        for (const SeriesPoint& point : curve->points())
            text += QByteArray::fromStdString(series.name) + ',' + QByteArray::number(series.rank) + ',' + QByteArray::number(series.block)
                + ',' + number(point.step) + ',' + number(point.t) + ',' + number(point.value) + "\r\n";
    return text;
}

void exportCsv(const MetricChart& chart, const QString& file)
{
    QSaveFile out(file);
    const QByteArray text = csvOf(chart);
    if (!out.open(QIODevice::WriteOnly) || out.write(text) != text.size() || !out.commit())
        cannotWrite(file);
}

} // namespace

void exportChart(MetricChart& chart, const QString& file)
{
    const QString suffix = QFileInfo(file).suffix().toLower();
    chart.replotNow();
    if (suffix == QLatin1String("csv")) {
        exportCsv(chart, file);
    } else if (suffix == QLatin1String("svg")) {
        exportSvg(chart, file);
    } else if (suffix == QLatin1String("png")) {
        if (!chart.savePng(file, chart.width(), chart.height(), 2))
            cannotWrite(file);
    } else if (suffix == QLatin1String("pdf")) {
        if (!chart.savePdf(file, chart.width(), chart.height(), QCP::epAllowCosmetic, QStringLiteral("Pipe-BD Workbench"), chart.title()))
            cannotWrite(file);
    } else {
        throw Error(Code::BadRequest, "no format for a chart has this suffix", file.toStdString(), "use .png, .pdf, .svg or .csv");
    }
}

void exportChartInteractively(MetricChart& chart, const QString& runName, Settings& settings, QWidget* parent)
{
    const QStringList filters {QObject::tr("PNG image (*.png)"), QObject::tr("PDF document (*.pdf)"), QObject::tr("SVG drawing (*.svg)"),
        QObject::tr("CSV table of the samples (*.csv)")};
    QFileDialog dialog(parent, QObject::tr("Export %1").arg(chart.title()), settings.folder(QStringLiteral("export")));
    dialog.setAcceptMode(QFileDialog::AcceptSave);
    dialog.setNameFilters(filters);
    dialog.setDefaultSuffix(QStringLiteral("png"));
    QObject::connect(&dialog, &QFileDialog::filterSelected, &dialog, [&dialog](const QString& filter) {
        dialog.setDefaultSuffix(filter.section(QStringLiteral("*."), 1).chopped(1));
    });
    dialog.selectFile(QStringLiteral("%1-%2").arg(runName, chart.title().toLower().replace(QLatin1Char(' '), QLatin1Char('-'))));
    if (dialog.exec() != QDialog::Accepted)
        return;
    const QString file = dialog.selectedFiles().constFirst();
    settings.setFolder(QStringLiteral("export"), QFileInfo(file).absolutePath());
    try {
        exportChart(chart, file);
    } catch (...) {
        QMessageBox::warning(parent, QObject::tr("Export"), currentErrorText());
    }
}

} // namespace pipebd::gui
