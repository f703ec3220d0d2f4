// MainWindow: the runs of a lab on the left, the selected one in the middle, its log below.
//
// It reads the lab in threads of its own and writes nothing to it; closing or killing it does nothing to a run.
#pragma once

#include "gui/lab_follower.h"
#include "gui/settings.h"
#include "gui/theme.h"

#include <QMainWindow>

#include <filesystem>
#include <memory>
#include <optional>

class QActionGroup;
class QStackedWidget;

namespace pipebd::gui {

class Launcher;
class LogPanel;
class MessagePage;
class MetricChart;
class RunList;
class RunPage;
struct StartRequest;

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    MainWindow(Settings& settings, const std::filesystem::path& lab, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Selects the run, at once or when the lab has been read; says so if there is none.
    void selectRun(int id);
    void openLab(const std::filesystem::path& lab);
    void openStartDialog(const QString& experiment = {});
    void launch(const StartRequest& request);

    RunPage* runPage() const { return m_runPage; }
    RunList* runList() const { return m_runList; }
    LogPanel* log() const { return m_log; }

    /// Hides all that stands around the page in the middle, for a picture of it.
    void showOnlyThePage();

    /// The lab has been read and the selected run, if there is one, is on the page.
    bool isSettled() const;

public slots:
    void restoreDefaultLayout();

signals:
    void settled(); // once for each lab opened and each run selected
    void labFailed(const QString& error);

protected:
    void closeEvent(QCloseEvent* event) override;
    void changeEvent(QEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    struct Actions;

    void createActions();
    void createMenus();
    void createDocks();
    void createPages();
    void restoreLayout();
    void saveLayout();
    void tintIcons();
    void setTheme(Theme theme);
    void take(const RunRecords& runs);
    void showLabError(const QString& error);
    void showRun(const store::RunRecord& run);
    void recordChanged(const store::RunRecord& run);
    void updateTitle();
    void chooseLab();
    void stopRun();
    void copyFolder();
    void openFolder();
    void exportChart(MetricChart* chart);

    Settings& m_settings;
    std::filesystem::path m_lab;
    std::unique_ptr<Actions> m_actions;
    std::unique_ptr<LabFollower> m_follower;
    Launcher* m_launcher = nullptr;
    QStackedWidget* m_pages = nullptr;
    MessagePage* m_readingPage = nullptr;
    MessagePage* m_welcomePage = nullptr;
    MessagePage* m_errorPage = nullptr;
    RunPage* m_runPage = nullptr;
    RunList* m_runList = nullptr;
    LogPanel* m_log = nullptr;
    QDockWidget* m_runsDock = nullptr;
    QDockWidget* m_logDock = nullptr;
    QByteArray m_defaultLayout;
    std::optional<int> m_wanted; // selected at the first scan
    bool m_scanned = false;
};

} // namespace pipebd::gui
