// RunListActions: what can be done with the runs that are selected in the list; one action each for menu, context menu and
// shortcut.
#pragma once

#include "gui/runs/run_columns.h"

#include <QObject>
#include <QString>

#include <vector>

class QAction;

namespace pipebd::gui {

class RunEdits;
class RunList;
class Settings;

class RunListActions : public QObject {
    Q_OBJECT

public:
    RunListActions(RunList& list, RunEdits& edits, Settings& settings);

    QAction* undo; // without shortcuts: the window's own Undo has them, for whatever is in front
    QAction* redo;
    QAction* compare;
    QAction* addToComparison;
    QAction* tags;
    QAction* note;
    QAction* remove; // softly
    QAction* restore;
    QAction* purge;
    QAction* showDeleted;
    QAction* exportTable;
    QAction* exportFolder;
    QAction* exportTrace;

    /// Enables what can be done with the runs that are selected now.
    void update();

signals:
    void comparisonRequested(const std::vector<int>& runs);
    void comparisonExtended(const std::vector<int>& runs);
    void messagePosted(const QString& text);

private:
    QAction* make(const QString& text, const QString& statusTip, const char* name, const QString& shortcut = {});
    std::vector<int> ids() const;
    void editTags();
    void editNote();
    void deleteRuns();
    void restoreRuns();
    void purgeRuns();
    void chooseTableFile();
    void chooseFolder();
    void chooseTraceFile();

    RunList& m_list;
    RunEdits& m_edits;
    Settings& m_settings;
};

} // namespace pipebd::gui
