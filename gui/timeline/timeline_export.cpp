#include "gui/timeline/timeline_export.h"

#include "base/error.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/picture_export.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_table_model.h"
#include "gui/timeline/timeline_view.h"
#include "schedule/comparison.h"
#include "schedule/trace.h"

#include <QFileInfo>
#include <QPointer>
#include <QThread>

#include <functional>
#include <string>

namespace pipebd::gui {

namespace {

/// What writes the text format of this suffix; none if there is no such.
std::function<QByteArray(const std::vector<DrawnTimelinePtr>&)> textFormat(const QString& suffix)
{
    if (suffix == QLatin1String("csv"))
        return [](const auto& timelines) { return timelineTable(timelines, TableFormat::Csv); };
    if (suffix == QLatin1String("tsv"))
        return [](const auto& timelines) { return timelineTable(timelines, TableFormat::Tsv); };
    if (suffix == QLatin1String("json"))
        return [](const auto& timelines) { return timelineTrace(timelines); };
    return {};
}

QString suffixOf(const QString& file)
{
    return QFileInfo(file).suffix().toLower();
}

void exportPicture(TimelineView& view, const QString& file)
{
    TimelinePlot& plot = view.plot();
    const QString suffix = suffixOf(file);
    if (suffix != QLatin1String("png") && suffix != QLatin1String("svg") && suffix != QLatin1String("pdf"))
        throw Error(
            Code::BadRequest, "unknown suffix for timelines", file.toStdString(), "use .png, .pdf, .svg, .csv, .tsv or .json");
    plot.replot();
    const double scrolled = plot.scrolled();
    writePicture(pictureOf(plot, QObject::tr("Timelines"), plot.wholeSize()), file);
    plot.replot();
    plot.scrollRows(scrolled - plot.scrolled());
}

} // namespace

QByteArray timelineTable(const std::vector<DrawnTimelinePtr>& timelines, TableFormat format)
{
    CsvWriter table(format);
    for (const char* heading :
        {"timeline", "kind", "device", "phase", "step", "instruction", "what", "start_ms", "end_ms", "duration_ms"})
        table.text(heading);
    table.end_line();
    for (const SpanPlace& place : placesOf(timelines)) {
        const DrawnTimeline& timeline = *timelines[place.timeline];
        const DrawnDevice& device = timeline.devices[place.device];
        const DrawnSpan& span = device.track(place.communication).spans[place.span];
        const schedule::Instruction& instruction = timeline.instruction(place.device, span);
        table.text(timeline.name.toStdString());
        table.text(timeline.kind == DrawnTimeline::Kind::Measured ? "measured" : "predicted");
        table.text(device.name.toStdString()).whole(span.phase).whole(span.step);
        table.text(to_text(instruction)).text(schedule::kind_of(instruction.op));
        table.number(span.start).number(span.end).number(span.end - span.start);
        table.end_line();
    }
    return QByteArray::fromStdString(table.contents());
}

QByteArray timelineTrace(const std::vector<DrawnTimelinePtr>& timelines)
{
    std::vector<std::string> names;
    std::vector<schedule::Timeline> spans;
    std::vector<std::vector<std::vector<schedule::MemoryPoint>>> memory;
    const bool pair = timelines.size() == 2 && timelines[0]->kind != timelines[1]->kind;
    for (const DrawnTimelinePtr& timeline : timelines) {
        const bool measured = timeline->kind == DrawnTimeline::Kind::Measured;
        names.push_back(pair ? (measured ? "measured" : "predicted") : timeline->name.toStdString());
        spans.push_back(timeline->timeline());
        memory.emplace_back();
        for (const DrawnDevice& device : timeline->devices)
            memory.back().push_back(device.memory);
    }
    std::vector<schedule::Traced> all;
    for (std::size_t i = 0; i < timelines.size(); ++i)
        all.push_back({names[i], *timelines[i]->program, spans[i], memory[i]});
    return QByteArray::fromStdString(to_chrome_trace(all, pair ? schedule::Grouping::ByDevice : schedule::Grouping::ByProgram));
}

void exportTimelines(TimelineView& view, const QString& file)
{
    if (const auto format = textFormat(suffixOf(file)))
        writeFile(file, format(view.timelines()));
    else
        exportPicture(view, file);
}

void exportTimelinesInteractively(TimelineView& view, const QString& proposedName, Settings& settings, QWidget* parent)
{
    const auto tell = [parent = QPointer<QWidget>(parent)](const QString& error) {
        if (parent)
            tellFailure(parent, QObject::tr("Export"), error);
    };
    const auto write = [view = QPointer<TimelineView>(&view), tell](const QString& file) {
        if (!view)
            return;
        const auto format = textFormat(suffixOf(file));
        if (!format)
            return exportPicture(*view, file);
        QThread* thread = QThread::create([timelines = view->timelines(), format, file, tell] {
            try {
                writeFile(file, format(timelines));
            } catch (...) {
                QMetaObject::invokeMethod(
                    qApp, [error = currentErrorText(), tell] { tell(error); }, Qt::QueuedConnection);
            }
        });
        QObject::connect(thread, &QThread::finished, thread, &QObject::deleteLater);
        thread->start();
    };
    std::vector<FileType> types = pictureTypes();
    types.push_back({QObject::tr("CSV table"), QStringLiteral("csv")});
    types.push_back({QObject::tr("TSV table"), QStringLiteral("tsv")});
    types.push_back({QObject::tr("Trace for Perfetto"), QStringLiteral("json")});
    exportInteractively(parent, QObject::tr("Export timelines"), proposedName, types, settings, write);
}

} // namespace pipebd::gui
