#include "gui/runs/run_list_actions.h"

#include "gui/kit/command_strip.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/lab/lab_writer.h"
#include "gui/runs/annotation_dialogs.h"
#include "gui/runs/run_edits.h"
#include "gui/runs/run_export.h"
#include "gui/runs/run_list.h"
#include "store/run_copy.h"

#include <QAction>
#include <QKeySequence>
#include <QMessageBox>
#include <QPushButton>
#include <QTableView>
#include <QUndoStack>

#include <algorithm>
#include <memory>

namespace pipebd::gui {

namespace {

std::vector<ListedRun> thoseThat(const std::vector<ListedRun>& runs, bool deleted)
{
    std::vector<ListedRun> found;
    std::copy_if(
        runs.begin(), runs.end(), std::back_inserter(found), [&](const ListedRun& run) { return run.isDeleted() == deleted; });
    return found;
}

QString fileNameOf(const store::RunRecord& run)
{
    return QStringLiteral("%1-%2").arg(run.id, 4, 10, QLatin1Char('0')).arg(QString::fromStdString(run.name));
}

} // namespace

RunListActions::RunListActions(RunList& list, RunEdits& edits, Settings& settings)
    : QObject(&list)
    , m_list(list)
    , m_edits(edits)
    , m_settings(settings)
{
    undo = edits.undoStack()->createUndoAction(&list, tr("&Undo"));
    undo->setObjectName(QStringLiteral("undo"));
    undo->setStatusTip(tr("Undo the last change of tags, notes or deletions"));
    redo = edits.undoStack()->createRedoAction(&list, tr("&Redo"));
    redo->setObjectName(QStringLiteral("redo"));
    redo->setStatusTip(tr("Redo"));

    compare = make(tr("&Compare"), tr("Show the selected runs side by side"), "compareRuns", QStringLiteral("Ctrl+D"));
    connect(compare, &QAction::triggered, this, [this] { emit comparisonRequested(ids()); });
    addToComparison = make(tr("&Add to the comparison"), tr("Add the selected runs to the comparison"), "addToComparison");
    connect(addToComparison, &QAction::triggered, this, [this] { emit comparisonExtended(ids()); });

    tags = make(tr("Edit &tags…"), tr("Add or remove tags of the selected runs"), "editTags", QStringLiteral("Ctrl+T"));
    connect(tags, &QAction::triggered, this, &RunListActions::editTags);
    note = make(tr("Edit &note…"), tr("Edit the note of the selected runs"), "editNote", QStringLiteral("Ctrl+Shift+N"));
    connect(note, &QAction::triggered, this, &RunListActions::editNote);
    remove = make(tr("&Delete"), tr("Hide the selected runs; they can be restored"), "deleteRuns");
    remove->setShortcut(QKeySequence::Delete);
    remove->setShortcutContext(Qt::WidgetShortcut); // a filter has a Del of its own
    connect(remove, &QAction::triggered, this, &RunListActions::deleteRuns);
    restore = make(tr("&Restore"), tr("Restore the selected deleted runs"), "restoreRuns");
    connect(restore, &QAction::triggered, this, &RunListActions::restoreRuns);
    purge = make(tr("&Purge…"), tr("Permanently remove the selected deleted runs and their folders"), "purgeRuns");
    connect(purge, &QAction::triggered, this, &RunListActions::purgeRuns);
    showDeleted = make(tr("Show de&leted runs"), tr("Also list deleted runs, struck through"), "showDeleted");
    showDeleted->setCheckable(true);
    connect(showDeleted, &QAction::toggled, &list, &RunList::setShowDeleted);

    exportTable = make(tr("Export the ta&ble…"), tr("Write the listed runs as CSV or JSON"), "exportTable");
    connect(exportTable, &QAction::triggered, this, &RunListActions::chooseTableFile);
    exportFolder = make(tr("Export as a &folder…"), tr("Copy the selected runs completely to another folder"), "exportFolder");
    connect(exportFolder, &QAction::triggered, this, &RunListActions::chooseFolder);
    exportTrace = make(
        tr("Export a Chrome &trace…"), tr("Write the newest measured steps of the run as a trace for Perfetto"), "exportTrace");
    connect(exportTrace, &QAction::triggered, this, &RunListActions::chooseTraceFile);

    connect(&edits, &RunEdits::done, this, [this](const QString& text, const QStringList& command) {
        emit messagePosted(command.isEmpty() ? text : QStringLiteral("%1 · %2").arg(text, commandLine(command)));
    });
    connect(&edits, &RunEdits::failed, this, [this](const QString& error) { tellFailure(m_list.window(), tr("Runs"), error); });
    update();
}

QAction* RunListActions::make(const QString& text, const QString& statusTip, const char* name, const QString& shortcut)
{
    auto* action = new QAction(text, &m_list);
    action->setStatusTip(statusTip);
    action->setObjectName(QLatin1String(name));
    if (!shortcut.isEmpty())
        action->setShortcut(QKeySequence(shortcut));
    return action;
}

void RunListActions::update()
{
    const std::vector<ListedRun> runs = m_list.selectedRuns();
    const auto deleted = std::count_if(runs.begin(), runs.end(), [](const ListedRun& run) { return run.isDeleted(); });
    const bool any = !runs.empty();
    compare->setEnabled(runs.size() > 1);
    for (QAction* action : {addToComparison, tags, note, exportFolder})
        action->setEnabled(any);
    exportTrace->setEnabled(runs.size() == 1);
    remove->setEnabled(static_cast<std::size_t>(deleted) < runs.size());
    restore->setEnabled(deleted > 0);
    purge->setEnabled(deleted > 0);
}

std::vector<int> RunListActions::ids() const
{
    std::vector<int> all;
    for (const ListedRun& listed : m_list.selectedRuns())
        all.push_back(listed.run.id);
    std::sort(all.begin(), all.end());
    return all;
}

void RunListActions::editTags()
{
    auto* dialog = new TagsDialog(m_list.selectedRuns(), m_list.model().tags(), m_list.window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        if (const auto changes = dialog->changes(); !changes.empty())
            m_edits.change(changes, dialog->windowTitle(), dialog->command());
    });
    dialog->open();
}

void RunListActions::editNote()
{
    auto* dialog = new NoteDialog(m_list.selectedRuns(), m_list.window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        if (const auto changes = dialog->changes(); !changes.empty())
            m_edits.change(changes, dialog->windowTitle(), dialog->command());
    });
    dialog->open();
}

void RunListActions::deleteRuns()
{
    const std::vector<ListedRun> runs = thoseThat(m_list.selectedRuns(), false);
    std::vector<AnnotationChange> changes;
    for (const ListedRun& listed : runs) {
        changes.push_back({listed.run.id, listed.annotation, listed.annotation});
        changes.back().after.deleted = store::utc_text();
    }
    m_edits.change(changes, tr("Delete %1").arg(runsText(runs)), runsCommand(QStringLiteral("delete"), runs));
}

void RunListActions::restoreRuns()
{
    const std::vector<ListedRun> runs = thoseThat(m_list.selectedRuns(), true);
    std::vector<AnnotationChange> changes;
    for (const ListedRun& listed : runs) {
        changes.push_back({listed.run.id, listed.annotation, listed.annotation});
        changes.back().after.deleted.clear();
    }
    m_edits.change(changes, tr("Restore %1").arg(runsText(runs)), runsCommand(QStringLiteral("restore"), runs));
}

void RunListActions::purgeRuns()
{
    const std::vector<ListedRun> runs = thoseThat(m_list.selectedRuns(), true);
    auto* box = new QMessageBox(
        QMessageBox::Warning, tr("Purge"), tr("Permanently remove %1?").arg(runsText(runs)), QMessageBox::Cancel, m_list.window());
    box->setObjectName(QStringLiteral("purgeQuestion"));
    box->setTextFormat(Qt::PlainText);
    box->setInformativeText(tr("The folders are deleted with all measurements, logs and weights. This cannot be undone.")
        + QStringLiteral("\n\n") + commandLine(runsCommand(QStringLiteral("purge"), runs)));
    QPushButton* yes = box->addButton(tr("&Purge"), QMessageBox::DestructiveRole);
    yes->setObjectName(QStringLiteral("purge"));
    box->setDefaultButton(QMessageBox::Cancel);
    box->setAttribute(Qt::WA_DeleteOnClose);
    connect(yes, &QPushButton::clicked, this, [this, runs] {
        std::vector<int> gone;
        for (const ListedRun& listed : runs)
            gone.push_back(listed.run.id);
        m_edits.purge(gone);
    });
    box->open();
}

void RunListActions::chooseTableFile()
{
    askForFile(m_list.window(), tr("Export the table"), tr("runs"),
        {{tr("CSV table"), QStringLiteral("csv")}, {tr("JSON"), QStringLiteral("json")}}, m_settings, [this](const QString& file) {
            doInBackground(
                this, [runs = m_list.shownRuns(), file] { gui::exportTable(runs, file); },
                [this, file](const QString& error) {
                    if (error.isEmpty())
                        emit messagePosted(tr("Written: %1").arg(file));
                    else
                        tellFailure(m_list.window(), tr("Export"), error);
                });
        });
}

void RunListActions::chooseFolder()
{
    const std::vector<ListedRun> runs = m_list.selectedRuns();
    askForFolder(m_list.window(), tr("Copy %1 into a folder").arg(runsText(runs)), m_settings, [this, runs](const QString& folder) {
        emit messagePosted(tr("Copying %1…").arg(runsText(runs)));
        doInBackground(
            this,
            [runs, folder] {
                for (const ListedRun& listed : runs)
                    store::copy_run(listed.run, toPath(folder));
            },
            [this, runs, folder](const QString& error) {
                const QStringList command{QStringLiteral("pipebd"), QStringLiteral("runs"), QStringLiteral("export"),
                    QString::number(runs.front().run.id), QStringLiteral("--folder"), folder};
                if (error.isEmpty())
                    emit messagePosted(tr("Copied %1 · %2").arg(runsText(runs), commandLine(command)));
                else
                    tellFailure(m_list.window(), tr("Export"), error);
            });
    });
}

void RunListActions::chooseTraceFile()
{
    const store::RunRecord run = m_list.selectedRuns().front().run;
    askForFile(m_list.window(), tr("Export a Chrome trace"), fileNameOf(run) + QStringLiteral("-trace"),
        {{tr("Chrome trace"), QStringLiteral("json")}}, m_settings, [this, run](const QString& file) {
            doInBackground(
                this, [run, file] { gui::exportTrace(run, file); },
                [this, run, file](const QString& error) {
                    const QStringList command{QStringLiteral("pipebd"), QStringLiteral("runs"), QStringLiteral("export"),
                        QString::number(run.id), QStringLiteral("--trace"), file};
                    if (error.isEmpty())
                        emit messagePosted(tr("Written · %1").arg(commandLine(command)));
                    else
                        tellFailure(m_list.window(), tr("Export"), error);
                });
        });
}

} // namespace pipebd::gui
