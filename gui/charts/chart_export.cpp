#include "gui/charts/chart_export.h"

#include "gui/charts/metric_chart.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/picture_export.h"
#include "gui/kit/settings.h"

#include <QFileInfo>
#include <QPointer>

#include <algorithm>

namespace pipebd::gui {

namespace {

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
    chart.replotNow();
    if (QFileInfo(file).suffix().toLower() == QLatin1String("csv"))
        writeFile(file, csvOf(chart));
    else
        writePicture(pictureOf(chart, chart.title()), file);
}

void exportChartInteractively(MetricChart& chart, const QString& name, Settings& settings, QWidget* parent)
{
    std::vector<FileType> types = pictureTypes();
    types.push_back({QObject::tr("CSV table of the samples"), QStringLiteral("csv")});
    exportInteractively(parent, QObject::tr("Export %1").arg(chart.title()),
        QStringLiteral("%1-%2").arg(name, chart.title().toLower().replace(QLatin1Char(' '), QLatin1Char('-'))), types, settings,
        [chart = QPointer(&chart)](const QString& file) {
            if (chart)
                gui::exportChart(*chart, file);
        });
}

} // namespace pipebd::gui
