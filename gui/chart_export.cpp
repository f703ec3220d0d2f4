#include "gui/chart_export.h"

#include "base/error.h"
#include "gui/error_text.h"
#include "gui/file_dialogs.h"
#include "gui/metric_chart.h"
#include "gui/settings.h"

#include <QBuffer>
#include <QFile>
#include <QFileInfo>
#include <QPointer>
#include <QSvgGenerator>
#include <QTemporaryDir>

#include <algorithm>

namespace pipebd::gui {

namespace {

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
        throw Error(Code::System, "the chart cannot be drawn as PDF", folder.path().toStdString(), "look whether its disk is full");
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
    const auto& curves = chart.curves();
    const bool byRun = std::any_of(curves.begin(), curves.end(), [](const auto& curve) { return curve.first.run != 0; });
    QByteArray text = byRun ? "run," : "";
    text += "series,rank,block,step,seconds,value\r\n"; // RFC 4180; names of series need no quotes
    for (const auto& [id, curve] : curves)
        for (const SeriesPoint& point : curve->points())
            text += (byRun ? QByteArray::number(id.run) + ',' : QByteArray()) + QByteArray::fromStdString(id.series.name) + ','
                + QByteArray::number(id.series.rank) + ',' + QByteArray::number(id.series.block) + ',' + number(point.step) + ','
                + number(point.t) + ',' + number(point.value) + "\r\n";
    return text;
}

} // namespace

void exportChart(MetricChart& chart, const QString& file)
{
    const QString suffix = QFileInfo(file).suffix().toLower();
    chart.replotNow();
    if (suffix == QLatin1String("csv"))
        writeFile(file, csvOf(chart));
    else if (suffix == QLatin1String("svg"))
        writeFile(file, svgOf(chart));
    else if (suffix == QLatin1String("png"))
        writeFile(file, pngOf(chart));
    else if (suffix == QLatin1String("pdf"))
        writeFile(file, pdfOf(chart));
    else
        throw Error(Code::BadRequest, "no format for a chart has this suffix", file.toStdString(), "use .png, .pdf, .svg or .csv");
}

void exportChartInteractively(MetricChart& chart, const QString& name, Settings& settings, QWidget* parent)
{
    askForFile(parent, QObject::tr("Export %1").arg(chart.title()),
        QStringLiteral("%1-%2").arg(name, chart.title().toLower().replace(QLatin1Char(' '), QLatin1Char('-'))),
        {{QObject::tr("PNG image"), QStringLiteral("png")}, {QObject::tr("PDF document"), QStringLiteral("pdf")},
            {QObject::tr("SVG drawing"), QStringLiteral("svg")}, {QObject::tr("CSV table of the samples"), QStringLiteral("csv")}},
        settings, [chart = QPointer(&chart), parent](const QString& file) {
            if (!chart)
                return;
            try {
                exportChart(*chart, file);
            } catch (...) {
                tellFailure(parent, QObject::tr("Export"), currentErrorText());
            }
        });
}

} // namespace pipebd::gui
