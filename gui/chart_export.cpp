#include "gui/chart_export.h"

#include "base/error.h"
#include "gui/error_text.h"
#include "gui/metric_chart.h"
#include "gui/settings.h"

#include <QBuffer>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QSaveFile>
#include <QSvgGenerator>
#include <QTemporaryDir>

namespace pipebd::gui {

namespace {

QByteArray svgOf(QCustomPlot& plot, const QString& title, QSize size)
{
    QBuffer drawing;
    QSvgGenerator generator;
    generator.setOutputDevice(&drawing);
    generator.setSize(size);
    generator.setViewBox(QRect({0, 0}, size));
    generator.setTitle(title);
    QCPPainter painter(&generator);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    plot.toPainter(&painter, size.width(), size.height());
    painter.end();
    return drawing.data();
}

// QCustomPlot prints to a named file only, and complains where it cannot: it gets one of our own.
QByteArray pdfOf(QCustomPlot& plot, const QString& title, QSize size)
{
    const QTemporaryDir folder;
    QFile file(folder.filePath(QStringLiteral("chart.pdf")));
    if (!plot.savePdf(
            file.fileName(), size.width(), size.height(), QCP::epAllowCosmetic, QStringLiteral("Pipe-BD Workbench"), title)
        || !file.open(QIODevice::ReadOnly))
        throw Error(Code::System, "the picture cannot be drawn", folder.path().toStdString(), "free some space there");
    return file.readAll();
}

QByteArray pngOf(QCustomPlot& plot, QSize size)
{
    constexpr double scale = 2;
    QBuffer picture;
    plot.toPixmap(size.width(), size.height(), scale).save(&picture, "PNG");
    return picture.data();
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
            text += QByteArray::fromStdString(series.name) + ',' + QByteArray::number(series.rank) + ','
                + QByteArray::number(series.block) + ',' + number(point.step) + ',' + number(point.t) + ',' + number(point.value)
                + "\r\n";
    return text;
}

} // namespace

QByteArray pictureOf(QCustomPlot& plot, const QString& title, QSize size, const QString& suffix)
{
    if (suffix == QLatin1String("svg"))
        return svgOf(plot, title, size);
    return suffix == QLatin1String("pdf") ? pdfOf(plot, title, size) : pngOf(plot, size);
}

void writeFile(const QString& file, const QByteArray& contents)
{
    QSaveFile out(file);
    if (!out.open(QIODevice::WriteOnly) || out.write(contents) != contents.size() || !out.commit())
        throw Error(Code::System, "the file cannot be written", file.toStdString(), "choose a folder that you may write to");
}

void showExportError(const QString& error, QWidget* parent)
{
    QMessageBox box(QMessageBox::Warning, QObject::tr("Export"), error, QMessageBox::Ok, parent);
    box.setTextFormat(Qt::PlainText); // it names a file
    box.exec();
}

void exportInteractively(const QString& title, const QString& proposedName, const QStringList& filters, Settings& settings,
    QWidget* parent, const std::function<void(const QString& file)>& write)
{
    const auto suffixOf = [](const QString& filter) { return filter.section(QStringLiteral("*."), 1).chopped(1); };
    QFileDialog dialog(parent, title, settings.folder(QStringLiteral("export")));
    dialog.setAcceptMode(QFileDialog::AcceptSave);
    dialog.setNameFilters(filters);
    dialog.setDefaultSuffix(suffixOf(filters.constFirst()));
    QObject::connect(&dialog, &QFileDialog::filterSelected, &dialog,
        [&dialog, suffixOf](const QString& filter) { dialog.setDefaultSuffix(suffixOf(filter)); });
    dialog.selectFile(proposedName);
    if (dialog.exec() != QDialog::Accepted)
        return;
    const QString file = dialog.selectedFiles().constFirst();
    settings.setFolder(QStringLiteral("export"), QFileInfo(file).absolutePath());
    try {
        write(file);
    } catch (...) {
        showExportError(currentErrorText(), parent);
    }
}

void exportChart(MetricChart& chart, const QString& file)
{
    const QString suffix = QFileInfo(file).suffix().toLower();
    chart.replotNow();
    if (suffix == QLatin1String("csv"))
        writeFile(file, csvOf(chart));
    else if (suffix == QLatin1String("png") || suffix == QLatin1String("pdf") || suffix == QLatin1String("svg"))
        writeFile(file, pictureOf(chart, chart.title(), chart.size(), suffix));
    else
        throw Error(Code::BadRequest, "no format for a chart has this suffix", file.toStdString(), "use .png, .pdf, .svg or .csv");
}

void exportChartInteractively(MetricChart& chart, const QString& runName, Settings& settings, QWidget* parent)
{
    const QStringList filters{QObject::tr("PNG image (*.png)"), QObject::tr("PDF document (*.pdf)"),
        QObject::tr("SVG drawing (*.svg)"), QObject::tr("CSV table of the samples (*.csv)")};
    const QString name = QStringLiteral("%1-%2").arg(runName, chart.title().toLower().replace(QLatin1Char(' '), QLatin1Char('-')));
    exportInteractively(QObject::tr("Export %1").arg(chart.title()), name, filters, settings, parent,
        [&](const QString& file) { exportChart(chart, file); });
}

} // namespace pipebd::gui
