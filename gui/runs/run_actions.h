// RunActions: what can be done with the run on the page, each enabled only while it makes sense; for menu, toolbar and shortcuts.
//
// What a run's folder and database say about that is read in the background.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/launcher.h"
#include "gui/lab/pipebd_process.h"
#include "store/run_record.h"

#include <QObject>

#include <optional>
#include <vector>

class QAction;
class QWidget;

namespace pipebd::gui {

class Settings;

class RunActions : public QObject {
    Q_OBJECT

public:
    RunActions(Settings& settings, QWidget* window);

    void setLab(const QString& lab);
    void setRun(const std::optional<store::RunRecord>& run);
    void setOtherRuns(bool any); // to compare with

    /// In the order of a menu, null for a separator.
    std::vector<QAction*> inOrder() const;
    QAction* stop() const { return m_stop; }
    void chooseTraceFile();
    void tintIcons();

    /// What is known of the run has been read; the actions are as they should be.
    bool isSettled() const { return !m_looking.isBusy(); }

signals:
    void stopRequested(int runId, bool now);
    void startRequested(const pipebd::gui::StartRequest& request); // in the Start dialog
    void launchRequested(const pipebd::gui::StartRequest& request); // at once
    void comparisonRequested(int runId); // with others, to be chosen
    void messagePosted(const QString& text);

private:
    enum class Then { Launch, OpenDialog };

    struct Abilities {
        bool canResume = false;
        bool canRepeat = false;
        bool hasProgram = false;
    };

    QAction* add(
        const char* name, const QString& text, const QString& tip, const QKeySequence& shortcut, void (RunActions::*body)());
    static Abilities look(const store::RunRecord& run);
    void enable();
    void askToStopNow();
    void resume();
    void repeat(Then then);
    void copyFolder();
    void openFolder();

    Settings& m_settings;
    QWidget* m_window;
    QString m_lab;
    std::optional<store::RunRecord> m_run;
    Abilities m_abilities;
    bool m_otherRuns = false;
    Then m_then = Then::Launch;
    QString m_traceFile;

    QAction* m_stop;
    QAction* m_stopNow;
    QAction* m_resume;
    QAction* m_again;
    QAction* m_clone;
    QAction* m_trace;
    QAction* m_compare;
    QAction* m_copyFolder;
    QAction* m_openFolder;
    Background<Abilities> m_looking;
    Background<StartRequest> m_repeating;
    PipebdProcess m_exporting;
};

} // namespace pipebd::gui
