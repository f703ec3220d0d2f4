// What the schedules page does about what is on it: runs it, writes it to files.
#include "base/error.h"
#include "experiment/experiment.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/settings.h"
#include "gui/kit/table_export.h"
#include "gui/pairs/pair_experiment.h"
#include "gui/schedules/schedules_page.h"
#include "gui/timeline/timeline_export.h"
#include "gui/timeline/timeline_view.h"

#include <QSortFilterProxyModel>

namespace pipebd::gui {

namespace {

/// The experiment that was used last for `pair`, else the one that every pair has.
QString experimentFor(const QString& lab, const QString& pair, const QStringList& recent)
{
    for (const QString& file : recent) {
        try {
            if (experiment::read_experiment(toPath(file)).pair == pair.toStdString())
                return file;
        } catch (const Error&) {
            // Not one that can be run today.
        }
    }
    return experimentOfPair(lab, pair);
}

} // namespace

void SchedulesPage::runSelected()
{
    if (!m_loaded)
        return;
    m_requestedRow = selectedRow();
    m_finding.request([lab = toQString(m_lab), pair = QString::fromStdString(m_loaded->stored.key.pair),
                          recent = m_settings.recentExperiments()] { return experimentFor(lab, pair, recent); });
}

void SchedulesPage::takeFile(const QString& file)
{
    StartRequest request = requestOf(m_requestedRow);
    request.file = file;
    emit startRequested(request);
}

void SchedulesPage::exportTimelines()
{
    const QString pair = m_loaded ? QString::fromStdString(m_loaded->stored.key.pair) : QString();
    exportTimelinesInteractively(*m_timelines, QStringLiteral("%1-schedules").arg(pair), m_settings, this);
}

void SchedulesPage::exportTable()
{
    const QString pair = m_loaded ? QString::fromStdString(m_loaded->stored.key.pair) : QString();
    exportInteractively(this, tr("Export the table of strategies"), QStringLiteral("%1-strategies").arg(pair),
        {{tr("CSV table"), QStringLiteral("csv")}}, m_settings,
        [this](const QString& file) { writeFile(file, tableAsCsv(*m_sorted)); });
}

} // namespace pipebd::gui
