// Page: one of the places of the window: pairs, profile, schedules, runs, compare.
//
// Lives in the GUI thread and never blocks it: what takes long is done by Background, a ReaderThread or a PipebdProcess.
#pragma once

#include "gui/lab/lab_follower.h"
#include "gui/lab/launcher.h"

#include <QString>
#include <QStringList>
#include <QWidget>

#include <filesystem>
#include <vector>

class QAction;
class QUndoStack;

namespace pipebd::gui {

class Page : public QWidget {
    Q_OBJECT

public:
    /// `id`: stable, for --page and settings. `title`: with a mnemonic.
    Page(QString id, QString title, QWidget* parent = nullptr);

    const QString& id() const { return m_id; }
    const QString& title() const { return m_title; }

    /// Forgets all of the lab before; what is there is read when the page is shown first.
    virtual void openLab(const std::filesystem::path& lab) = 0;
    /// The page is in front; called after openLab().
    virtual void comeToFront() { }
    /// The runs of the lab have been read again.
    virtual void runsChanged(const RunRecords& /*runs*/) { }
    /// All that is asked for is on the page; then settled() has been or is being emitted.
    virtual bool isSettled() const = 0;

    /// What does the same on the command line, from "pipebd" on; empty if nothing is on the page.
    virtual QStringList command() const { return {}; }

    /// The page's own menu, in order, null for a separator; they live as long as the page. A page without any has no menu.
    virtual std::vector<QAction*> menuActions() const { return {}; }

    /// What Edit > Undo takes back while the page is in front; null: what was done in the list of runs.
    virtual QUndoStack* undoStack() { return nullptr; }

    /// Whether the page makes sense of `file`, which was dropped or named; it shows it then.
    virtual bool openFile(const QString& /*file*/) { return false; }

    /// Every chart shows all of its data again.
    virtual void fitAll() { }
    /// Whether the window's action does that; false where a chart has keys of its own.
    virtual bool canFitAll() const { return false; }
    /// What is on the page is drawn now, without waiting for a timer.
    virtual void drawNow() { }
    virtual void saveState() { }
    virtual void restoreDefaultLayout() { }

signals:
    void settled();
    void commandChanged();
    void messagePosted(const QString& text); // for the status bar

    // What another page, or the window, does about something here.
    void startRequested(const pipebd::gui::StartRequest& request); // opens the Start dialog with it
    void runRequested(int runId); // shows the run
    void comparisonRequested(const std::vector<int>& runIds);
    void profilingRequested(const QString& pair); // of a pair, by its name
    void schedulesRequested(const QString& profileId); // of a stored profile; empty: of the one chosen last

private:
    QString m_id;
    QString m_title;
};

} // namespace pipebd::gui
