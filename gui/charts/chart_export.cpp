#include "gui/charts/chart_export.h"

#include "base/csv.h"
#include "gui/charts/metric_chart.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/picture_export.h"
#include "gui/kit/settings.h"

#include <QFileInfo>
#include <QPointer>

#include <algorithm>

namespace pipebd::gui {

namespace {

/// With 17 digits: it reads back as the same number.
CsvWriter& sample(CsvWriter& csv, double value)
{
    return csv.text(QByteArray::number(value, 'g', 17).toStdString());
}

QByteArray csvOf(const MetricChart& chart)
{
    const auto& curves = chart.curves();
    const bool byRun = std::any_of(curves.begin(), curves.end(), [](const auto& curve) { return curve.first.run != 0; });
    CsvWriter csv;
    if (byRun)
        csv.text("run");
    for (const char* heading : {"series", "rank", "block", "step", "seconds", "value"})
        csv.text(heading);
    csv.end_line();
    for (const auto& [id, curve] : curves)
        for (const SeriesPoint& point : curve->points()) {
            if (byRun)
                csv.whole(id.run);
            csv.text(id.series.name).whole(id.series.rank).whole(id.series.block);
            for (const double value : {double(point.step), point.t, point.value})
                sample(csv, value);
            csv.end_line();
        }
    return QByteArray::fromStdString(csv.contents());
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
