#include "gui/profile/profile_table.h"

#include "gui/kit/number_text.h"
#include "gui/lab/run_text.h"
#include "gui/pairs/pair_description.h"

#include <QCoreApplication>
#include <QLocale>

namespace pipebd::gui {

namespace {

QString words(const char* text)
{
    return QCoreApplication::translate("ProfileTable", text);
}

Cell textCell(const std::string& text)
{
    return {QString::fromStdString(text)};
}

Cell timeCell(std::optional<double> milliseconds)
{
    return milliseconds ? Cell{QLocale().toString(*milliseconds, 'g', 4), *milliseconds} : Cell{{}, QString()};
}

Cell spreadCell(std::optional<double> spread)
{
    return spread ? Cell{QLocale().toString(100 * *spread, 'f', 0), 100 * *spread} : Cell{{}, QString()};
}

} // namespace

std::vector<Column> storedProfileColumns()
{
    return {{words("Pair"), words("Tick to compare the profile with the selected one")}, {words("Device")},
        {words("Batch"), words("Global batch size"), true}, {words("Devices"), words("Number of devices that share the batch")},
        {words("Type")}, {words("Measured"), words("When it was measured or imported")},
        {words("Source"), words("The machine it was measured on, or the file it was imported from")}, {words("Id")}};
}

Row rowOf(const store::StoredProfile& stored)
{
    const QString conditions = QString::fromStdString(stored.key.conditions);
    const QString device = stored.device.empty() ? words("cannot be read") : QString::fromStdString(stored.device);
    return {QString::fromStdString(stored.id),
        {textCell(stored.key.pair), {device}, {QLocale().toString(stored.key.batch), stored.key.batch},
            textCell(stored.key.devices), textCell(stored.key.dtype),
            {timeText(stored.measured), QString::fromStdString(stored.measured)}, {machineOf(stored.key), {}, conditions},
            textCell(stored.id)}};
}

std::vector<Column> figureColumns()
{
    std::vector<Column> columns{{words("Profile")}, {words("Block"), {}, true}, {words("Name")}, {words("Samples"), {}, true}};
    for (const TimeKind kind : timeKinds) {
        columns.push_back({words("%1 ms").arg(letterOf(kind)), words("Milliseconds: %1").arg(nameOf(kind)), true});
        columns.push_back({words("%1 spread %").arg(letterOf(kind)),
            words("Spread of repeated measurements: 10th to 90th percentile, in percent of the median"), true});
    }
    for (const MemoryKind kind : memoryKinds)
        columns.push_back({words("%1 bytes").arg(letterOf(kind)),
            words("Memory in bytes: %1, for this number of samples").arg(nameOf(kind)), true});
    return columns;
}

std::vector<Row> figureRows(const std::vector<ShownProfile>& profiles)
{
    std::vector<Row> rows;
    for (const ShownProfile& shown : profiles) {
        for (const int samples : measuredSizes(*shown.profile)) {
            for (std::size_t i = 0; i < shown.profile->blocks.size(); ++i) {
                const schedule::BlockProfile& block = shown.profile->blocks[i];
                Row row{QStringLiteral("%1/%2/%3").arg(QString::fromStdString(shown.stored.id)).arg(samples).arg(i),
                    {{labelOf(shown.stored)}, {QString::number(i), static_cast<qlonglong>(i)}, textCell(block.name),
                        {QLocale().toString(samples), samples}}};
                for (const TimeKind kind : timeKinds) {
                    row.cells.push_back(timeCell(timeOf(block, kind, samples)));
                    row.cells.push_back(spreadCell(spreadOf(block, kind, samples)));
                }
                for (const MemoryKind kind : memoryKinds) {
                    const double bytes = memoryOf(block, kind, samples);
                    row.cells.push_back({bytesText(static_cast<std::int64_t>(bytes)), static_cast<qlonglong>(bytes)});
                }
                rows.push_back(std::move(row));
            }
        }
    }
    return rows;
}

} // namespace pipebd::gui
