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

[[noreturn]] void cannotWrite(const QString& file)
{
    throw Error(Code::System, "the chart cannot be written", file.toStdString(), "choose a folder that you may write to");
}

void write(const QString& file, const QByteArray& contents)
{
    QSaveFile out(file);
    if (!out.open(QIODevice::WriteOnly) || out.write(contents) != contents.size() || !out.commit())
        cannotWrite(file);
}

QByteArray svgOf(MetricChart& chart)
{
    QBuffer drawing;
    QSvgGenerator generator;
    generator.setOutputDevice(&drawing);
    generator.setSize(chart.size());
    generator.setViewBox(QRect({0, 0}, chart.size()));
    generator.setTitle(chart.title());
    QCPPainter painter(&generator);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    chart.toPainter(&painter, chart.width(), chart.height());
    painter.end();
    return drawing.data();
}

// QCustomPlot prints to a named file only, and complains where it cannot: it gets one of our own.
QByteArray pdfOf(MetricChart& chart)
{
    const QTemporaryDir folder;
    QFile file(folder.filePath(QStringLiteral("chart.pdf")));
    if (!chart.savePdf(file.fileName(), chart.width(), chart.height(), QCP::epAllowCosmetic, QStringLiteral("Pipe-BD Workbench"),
            chart.title())
        || !file.open(QIODevice::ReadOnly))
        cannotWrite(folder.path());
    return file.readAll();
}

QByteArray pngOf(MetricChart& chart)
{
    constexpr double scale = 2;
    QBuffer picture;
    chart.toPixmap(chart.width(), chart.height(), scale).save(&picture, "PNG");
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

void exportChart(MetricChart& chart, const QString& file)
{
    const QString suffix = QFileInfo(file).suffix().toLower();
    chart.replotNow();
    if (suffix == QLatin1String("csv"))
        write(file, csvOf(chart));
    else if (suffix == QLatin1String("svg"))
        write(file, svgOf(chart));
    else if (suffix == QLatin1String("png"))
        write(file, pngOf(chart));
    else if (suffix == QLatin1String("pdf"))
        write(file, pdfOf(chart));
    else
        throw Error(Code::BadRequest, "no format for a chart has this suffix", file.toStdString(), "use .png, .pdf, .svg or .csv");
}

void exportChartInteractively(MetricChart& chart, const QString& runName, Settings& settings, QWidget* parent)
{
    const QStringList filters{QObject::tr("PNG image (*.png)"), QObject::tr("PDF document (*.pdf)"),
        QObject::tr("SVG drawing (*.svg)"), QObject::tr("CSV table of the samples (*.csv)")};
    QFileDialog dialog(parent, QObject::tr("Export %1").arg(chart.title()), settings.folder(QStringLiteral("export")));
    dialog.setAcceptMode(QFileDialog::AcceptSave);
    dialog.setNameFilters(filters);
    dialog.setDefaultSuffix(QStringLiteral("png"));
    QObject::connect(&dialog, &QFileDialog::filterSelected, &dialog,
        [&dialog](const QString& filter) { dialog.setDefaultSuffix(filter.section(QStringLiteral("*."), 1).chopped(1)); });
    dialog.selectFile(QStringLiteral("%1-%2").arg(runName, chart.title().toLower().replace(QLatin1Char(' '), QLatin1Char('-'))));
    if (dialog.exec() != QDialog::Accepted)
        return;
    const QString file = dialog.selectedFiles().constFirst();
    settings.setFolder(QStringLiteral("export"), QFileInfo(file).absolutePath());
    try {
        exportChart(chart, file);
    } catch (...) {
        QMessageBox box(QMessageBox::Warning, QObject::tr("Export"), currentErrorText(), QMessageBox::Ok, parent);
        box.setTextFormat(Qt::PlainText); // it names a file
        box.exec();
    }
}

} // namespace pipebd::gui
