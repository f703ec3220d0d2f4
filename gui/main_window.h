// MainWindow: the pages of one lab; on those that show runs, the list of runs on the left and the log below.
//
// Each page has a layout of docks of its own.
// It reads the lab in threads of its own and writes nothing to it but tags, notes and deletions; closing or killing it does nothing
// to a run.
#pragma once

#include "gui/kit/settings.h"
#include "gui/kit/theme.h"
#include "gui/lab/lab_follower.h"

#include <QByteArray>
#include <QMainWindow>
#include <QMap>

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

class QActionGroup;
class QMenu;
class QTabWidget;
class QToolButton;
class QUndoGroup;

namespace pipebd::gui {

class CommandStrip;
class ComparePage;
class FoundDevices;
class Launcher;
class LogPanel;
class MetricChart;
class Page;
class ProfilePage;
class RunActions;
class RunList;
class RunPage;
class RunsPage;
class SchedulesPage;
struct StartRequest;

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    MainWindow(Settings& settings, const std::filesystem::path& lab, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Selects the run, at once or when the lab has been read; says so if there is none.
    void selectRun(int id);
    void openLab(const std::filesystem::path& lab);
    void openStartDialog(const StartRequest& request);
    void launch(const StartRequest& request);
    void compareRuns(const std::vector<int>& ids);
    /// Whatever it is, by the page that makes sense of it.
    void openFile(const QString& file);

    /// By its id; null if there is none.
    Page* page(const QString& id) const;
    Page* currentPage() const;
    void showPage(const QString& id);

    /// Edit > Undo and Redo follow its active stack: pages add theirs and make it active while they are in front.
    QUndoGroup* undoGroup() const { return m_undo; }
    FoundDevices* devices() const { return m_devices; }

    RunPage* runPage() const;
    RunList* runList() const { return m_runList; }
    LogPanel* log() const { return m_log; }

    /// Hides all that stands around the page in the middle, for a picture of it.
    void showOnlyThePage();

    /// The lab has been read, and what is asked for is on the page in front.
    bool isSettled() const;

public slots:
    void restoreDefaultLayout();

signals:
    void settled(); // isSettled() may have become true
    void labFailed(const QString& error);

protected:
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    struct Actions;

    static constexpr int messageTime = 10000; // ms

    void createActions();
    void createFileActions();
    void createPageActions();
    void createViewActions();
    void createEditActions();
    void createExportActions();
    void createHelpActions();
    void createMenus();
    void createFileMenu();
    void createRunMenu();
    void createPageMenus();
    void createViewMenu();
    void createToolBar();
    void createStatusBar();
    void connectRunActions();
    void createDocks();
    void createPages();
    void addPage(Page* page);
    void pageChanged();
    void followUndo();
    void showCommand();
    void rememberDefaultLayouts();
    void restoreLayout();
    void saveLayout();
    void tintIcons();
    void setTheme(Theme theme);
    void take(const RunRecords& runs, const RunAnnotations& annotations);
    void showLabError(const QString& error);
    void showRun(const store::RunRecord& run);
    void recordChanged(const store::RunRecord& run);
    void updateTitle();
    void chooseLab();
    void addToComparison(const std::vector<int>& ids);
    void profilePair(const QString& pair);
    void planProfile(const QString& profileId);
    void stopRun(int runId, bool now);
    void fillRecent(QMenu* menu, const QStringList& paths, void (MainWindow::*open)(const QString&));
    void openRecentLab(const QString& folder);
    void openRecentExperiment(const QString& file);
    void showDevices();
    void showFullScreenOrNot(bool full);
    void enableFit();
    void exportChart(MetricChart* chart);

    Settings& m_settings;
    std::filesystem::path m_lab;
    std::unique_ptr<Actions> m_actions;
    std::unique_ptr<LabFollower> m_follower;
    Launcher* m_launcher = nullptr;
    RunActions* m_runActions = nullptr;
    FoundDevices* m_devices = nullptr;
    QUndoGroup* m_undo = nullptr;
    QToolButton* m_labButton = nullptr; // in the status bar
    QToolButton* m_devicesButton = nullptr;
    QTabWidget* m_tabs = nullptr;
    std::vector<Page*> m_pages;
    Page* m_front = nullptr;
    RunsPage* m_runsPage = nullptr;
    ProfilePage* m_profilePage = nullptr;
    SchedulesPage* m_schedulesPage = nullptr;
    ComparePage* m_comparePage = nullptr;
    CommandStrip* m_command = nullptr;
    RunList* m_runList = nullptr;
    LogPanel* m_log = nullptr;
    QDockWidget* m_runsDock = nullptr;
    QDockWidget* m_logDock = nullptr;
    QMap<QString, QByteArray> m_defaultLayouts; // by page
    QMap<QString, QByteArray> m_layouts;
    std::optional<int> m_wanted; // selected at the first scan
    bool m_scanned = false;
};

} // namespace pipebd::gui
