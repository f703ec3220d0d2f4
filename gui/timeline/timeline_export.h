// Writing timelines to a file: as a picture, a table, or a trace for Perfetto.
#pragma once

#include "base/csv.h"
#include "gui/timeline/drawn_timeline.h"

#include <QByteArray>
#include <QString>

#include <vector>

class QWidget;

namespace pipebd::gui {

class Settings;
class TimelineView;

/// An instruction and step a row (base/csv.h). Thread-safe.
QByteArray timelineTable(const std::vector<DrawnTimelinePtr>& timelines, TableFormat format);

/// Chrome trace JSON (docs/formats/trace.md). A prediction and its measurement, if those are all, stand side by side by device.
/// Thread-safe.
QByteArray timelineTrace(const std::vector<DrawnTimelinePtr>& timelines);

/// By the suffix: png, pdf or svg, the times in view with all rows; csv or tsv; json, the trace. Throws Error{BadRequest} for
/// another one and Error{System} if the file cannot be written.
void exportTimelines(TimelineView& view, const QString& file);

/// Asks for the file, starting in the folder used last, and reports what goes wrong in a message. Tables and traces are written in
/// another thread.
void exportTimelinesInteractively(TimelineView& view, const QString& proposedName, Settings& settings, QWidget* parent);

} // namespace pipebd::gui
