#include "gui/main_window.h"

#include "gui/charts/chart_export.h"
#include "gui/charts/metric_chart.h"
#include "gui/compare/compare_page.h"
#include "gui/kit/command_strip.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/icons.h"
#include "gui/kit/message_page.h"
#include "gui/lab/found_devices.h"
#include "gui/lab/launcher.h"
#include "gui/log_panel.h"
#include "gui/main_window_actions.h"
#include "gui/pairs/pairs_page.h"
#include "gui/profile/profile_page.h"
#include "gui/runs/run_actions.h"
#include "gui/runs/run_edits.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_list_actions.h"
#include "gui/runs/run_page.h"
#include "gui/runs/runs_page.h"
#include "gui/schedules/schedules_page.h"
#include "gui/start/start_dialog.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QStatusBar>
#include <QTabBar>
#include <QTabWidget>
#include <QTimer>
#include <QToolBar>
#include <QUndoGroup>
#include <QUndoStack>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int layoutVersion = 2; // raise it when docks or toolbars change: older layouts are then not restored
constexpr QSize defaultSize(1280, 800);
constexpr int runsWidth = 456;
constexpr int logHeight = 130;
constexpr int timeToSettle = 1000; // ms
constexpr int longestLab = 360; // pixels

QString layoutKey(const Page* page)
{
    return page->id() == QLatin1String("runs") ? QStringLiteral("layout") : QStringLiteral("layout-") + page->id();
}

} // namespace

MainWindow::MainWindow(Settings& settings, const std::filesystem::path& lab, QWidget* parent)
    : QMainWindow(parent)
    , m_settings(settings)
{
    setWindowIcon(applicationIcon());
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    m_undo = new QUndoGroup(this);
    m_devices = new FoundDevices(this);
    createPages();
    createDocks();
    createActions();
    createMenus();
    createStatusBar();
    m_undo->addStack(m_runList->edits()->undoStack());
    for (Page* page : m_pages)
        if (QUndoStack* stack = page->undoStack())
            m_undo->addStack(stack);
    followUndo();
    m_runsPage->setWelcome(
        makeWelcomePage(toQString(lab), m_actions->start, m_actions->findSchedule, m_actions->openLab, m_runsPage));
    m_runsPage->error()->addAction(m_actions->openLab, true);

    resize(defaultSize);
    resizeDocks({m_runsDock}, {runsWidth}, Qt::Horizontal);
    resizeDocks({m_logDock}, {logHeight}, Qt::Vertical);
    rememberDefaultLayouts();
    restoreLayout();
    openLab(lab);
}

MainWindow::~MainWindow() = default;

void MainWindow::createPages()
{
    auto* centre = new QWidget(this);
    m_tabs = new QTabWidget(centre);
    m_tabs->setObjectName(QStringLiteral("pages"));
    m_tabs->setDocumentMode(true);
    m_tabs->tabBar()->setAccessibleName(tr("Pages"));
    m_command = new CommandStrip(centre);
    auto* layout = new QVBoxLayout(centre);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addWidget(m_tabs, 1);
    layout->addWidget(m_command);
    setCentralWidget(centre);

    m_runsPage = new RunsPage(m_settings, m_tabs);
    m_profilePage = new ProfilePage(m_settings, m_tabs);
    m_schedulesPage = new SchedulesPage(m_settings, m_tabs);
    m_comparePage = new ComparePage(m_settings, m_tabs);
    for (Page* page :
        std::initializer_list<Page*>{new PairsPage(m_settings, m_tabs), m_profilePage, m_schedulesPage, m_runsPage, m_comparePage})
        addPage(page);
    m_front = m_runsPage;
    m_tabs->setCurrentWidget(m_front);
    connect(m_tabs, &QTabWidget::currentChanged, this, &MainWindow::pageChanged);
    connect(runPage(), &RunPage::recordChanged, this, &MainWindow::recordChanged);
    connect(runPage(), &RunPage::exportRequested, this, &MainWindow::exportChart);
    connect(runPage(), &RunPage::viewChanged, this, &MainWindow::enableFit);
}

void MainWindow::addPage(Page* page)
{
    m_pages.push_back(page);
    m_tabs->addTab(page, page->title());
    connect(page, &Page::settled, this, &MainWindow::settled);
    connect(page, &Page::commandChanged, this, &MainWindow::showCommand);
    connect(page, &Page::messagePosted, this, [this](const QString& text) { statusBar()->showMessage(text, messageTime); });
    connect(page, &Page::startRequested, this, &MainWindow::openStartDialog);
    connect(page, &Page::runRequested, this, [this](int id) {
        m_tabs->setCurrentWidget(m_runsPage);
        selectRun(id);
    });
    connect(page, &Page::comparisonRequested, this, &MainWindow::compareRuns);
    connect(page, &Page::profilingRequested, this, &MainWindow::profilePair);
    connect(page, &Page::schedulesRequested, this, &MainWindow::planProfile);
}

RunPage* MainWindow::runPage() const
{
    return m_runsPage->run();
}

Page* MainWindow::page(const QString& id) const
{
    const auto found = std::find_if(m_pages.begin(), m_pages.end(), [&](const Page* page) { return page->id() == id; });
    return found == m_pages.end() ? nullptr : *found;
}

Page* MainWindow::currentPage() const
{
    return m_front;
}

void MainWindow::showPage(const QString& id)
{
    if (Page* wanted = page(id))
        m_tabs->setCurrentWidget(wanted);
}

void MainWindow::pageChanged()
{
    m_layouts[m_front->id()] = QMainWindow::saveState(layoutVersion);
    m_front = qobject_cast<Page*>(m_tabs->currentWidget());
    QMainWindow::restoreState(m_layouts.value(m_front->id()), layoutVersion);
    for (const auto& [page, menu] : m_actions->pageMenus)
        menu->menuAction()->setVisible(page == m_front);
    followUndo();
    m_front->comeToFront();
    enableFit();
    showCommand();
    updateTitle();
}

void MainWindow::followUndo()
{
    QUndoStack* own = m_front->undoStack();
    m_undo->setActiveStack(own ? own : m_runList->edits()->undoStack());
}

void MainWindow::showCommand()
{
    const bool wanted = !m_actions || m_actions->command->isChecked();
    m_command->setCommand(wanted ? m_front->command() : QStringList());
}

void MainWindow::createDocks()
{
    m_runList = new RunList(m_settings, this);
    m_runsDock = new QDockWidget(tr("Runs"), this);
    m_runsDock->setObjectName(QStringLiteral("runsDock"));
    m_runsDock->setWidget(m_runList);
    addDockWidget(Qt::LeftDockWidgetArea, m_runsDock);
    connect(m_runList, &RunList::runSelected, this, &MainWindow::showRun);
    connect(m_runList->actions(), &RunListActions::comparisonRequested, this, &MainWindow::compareRuns);
    connect(m_runList->actions(), &RunListActions::comparisonExtended, this, &MainWindow::addToComparison);
    connect(m_runList->actions(), &RunListActions::messagePosted, this,
        [this](const QString& text) { statusBar()->showMessage(text, messageTime); });

    m_log = new LogPanel(this);
    m_logDock = new QDockWidget(tr("Log"), this);
    m_logDock->setObjectName(QStringLiteral("logDock"));
    m_logDock->setWidget(m_log);
    addDockWidget(Qt::BottomDockWidgetArea, m_logDock);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    connect(runPage(), &RunPage::logRead, m_log, &LogPanel::append);

    m_runsDock->toggleViewAction()->setStatusTip(tr("Show or hide the list of runs"));
    m_logDock->toggleViewAction()->setStatusTip(tr("Show or hide the log of the run"));
}

// The list of runs belongs to the pages that show runs, the log to the one that shows a single one.
void MainWindow::rememberDefaultLayouts()
{
    const auto remember = [this](bool runs, bool log, const auto& isOf) {
        m_runsDock->setVisible(runs);
        m_logDock->setVisible(log);
        const QByteArray layout = QMainWindow::saveState(layoutVersion);
        for (const Page* page : m_pages)
            if (isOf(page))
                m_defaultLayouts[page->id()] = layout;
    };
    remember(false, false, [](const Page*) { return true; });
    remember(true, true, [this](const Page* page) { return page == m_runsPage; });
    m_layouts = m_defaultLayouts;
}

void MainWindow::restoreLayout()
{
    const QByteArray window = m_settings.state(QStringLiteral("window"));
    if (!window.isEmpty() && !restoreGeometry(window))
        m_settings.reportDamage();
    for (Page* page : m_pages) {
        const QByteArray layout = m_settings.state(layoutKey(page));
        if (layout.isEmpty())
            continue;
        if (QMainWindow::restoreState(layout, layoutVersion))
            m_layouts[page->id()] = layout;
        else
            m_settings.reportDamage();
    }
    QMainWindow::restoreState(m_layouts.value(m_front->id()), layoutVersion);
    if (m_settings.wasDamaged())
        statusBar()->showMessage(tr("Some saved settings could not be read; defaults are used instead."));
}

void MainWindow::saveLayout()
{
    m_settings.setState(QStringLiteral("window"), saveGeometry());
    m_layouts[m_front->id()] = QMainWindow::saveState(layoutVersion);
    for (Page* page : m_pages) {
        m_settings.setState(layoutKey(page), m_layouts.value(page->id()));
        page->saveState();
    }
    m_runList->saveState();
}

void MainWindow::restoreDefaultLayout()
{
    m_layouts = m_defaultLayouts;
    QMainWindow::restoreState(m_layouts.value(m_front->id()), layoutVersion);
    resizeDocks({m_runsDock}, {runsWidth}, Qt::Horizontal);
    resizeDocks({m_logDock}, {logHeight}, Qt::Vertical);
    m_runList->restoreDefaultLayout();
    for (Page* page : m_pages)
        page->restoreDefaultLayout();
}

void MainWindow::showOnlyThePage()
{
    for (QWidget* around : std::initializer_list<QWidget*>{
             m_runsDock, m_logDock, menuBar(), statusBar(), findChild<QToolBar*>(), m_tabs->tabBar(), m_command})
        around->hide();
}

void MainWindow::setTheme(Theme theme)
{
    m_settings.setTheme(theme);
    applyTheme(theme);
}

void MainWindow::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    m_scanned = false;
    m_settings.addRecentLab(toQString(lab));
    m_runActions->setLab(toQString(lab));
    m_labButton->setText(fontMetrics().elidedText(toQString(lab), Qt::ElideMiddle, longestLab));
    m_labButton->setToolTip(tr("The lab: %1").arg(toQString(lab)));
    m_log->clear();
    m_runList->openLab(lab);
    for (Page* page : m_pages)
        page->openLab(lab);
    m_front->comeToFront();
    updateTitle();

    if (m_launcher) {
        m_launcher->disconnect(this);
        m_launcher->deleteLater();
    }
    m_launcher = new Launcher(toQString(lab), this);
    connect(m_launcher, &Launcher::started, this, [this](int id) {
        statusBar()->showMessage(tr("Run %1 has started.").arg(id), messageTime);
        m_tabs->setCurrentWidget(m_runsPage);
        selectRun(id);
    });
    connect(m_launcher, &Launcher::startFailed, this, [this](const QString& error) {
        statusBar()->clearMessage();
        tellFailure(this, tr("The run did not start"), error, QStringLiteral("startFailed"));
    });
    connect(
        m_launcher, &Launcher::stopFailed, this, [this](const QString& error) { statusBar()->showMessage(error, messageTime); });

    m_follower = std::make_unique<LabFollower>(lab);
    connect(m_follower.get(), &LabFollower::scanned, this, &MainWindow::take);
    connect(m_follower.get(), &LabFollower::failed, this, &MainWindow::showLabError);
}

void MainWindow::take(const RunRecords& runs, const RunAnnotations& annotations)
{
    m_runList->setRuns(runs, annotations);
    for (Page* page : m_pages)
        page->runsChanged(runs);
    const bool first = !std::exchange(m_scanned, true);
    if (m_wanted && !m_runList->select(*m_wanted))
        statusBar()->showMessage(tr("Run %1 does not exist in this lab.").arg(*m_wanted), messageTime);
    m_wanted.reset();
    if (first && !m_runList->selected())
        m_runList->selectNewest();
    if (runs->empty() || (first && !runPage()->runId())) {
        m_runsPage->showWelcome();
        updateTitle();
    } else if (runPage()->runId()) {
        m_runsPage->showRun();
    }
    m_launcher->lookAt(runs);
    m_runActions->setOtherRuns(runs->size() > 1);
    if (first && isSettled())
        emit settled();
}

void MainWindow::showLabError(const QString& error)
{
    if (runPage()->runId()) {
        statusBar()->showMessage(error, messageTime); // what is on the page stays there
        return;
    }
    m_runsPage->showError(error);
    emit labFailed(error);
}

bool MainWindow::isSettled() const
{
    return m_scanned && !m_wanted && m_front->isSettled();
}

void MainWindow::selectRun(int id)
{
    if (!m_runList->select(id) && !m_scanned)
        m_wanted = id;
}

void MainWindow::showRun(const store::RunRecord& run)
{
    if (runPage()->runId() == run.id)
        return;
    m_log->clear();
    runPage()->follow(run);
    m_runsPage->showRun();
}

void MainWindow::recordChanged(const store::RunRecord& run)
{
    m_runActions->setRun(run);
    updateTitle();
}

void MainWindow::updateTitle()
{
    const bool hasRun = runPage()->runId().has_value();
    const store::RunRecord& run = runPage()->record();
    if (!hasRun)
        m_runActions->setRun(std::nullopt);
    for (QAction* action : m_actions->exports)
        action->setEnabled(hasRun);
    const QString program = tr("Pipe-BD Workbench");
    setWindowTitle(
        hasRun ? tr("%1 (run %2) – %3").arg(QString::fromStdString(run.name), QString::number(run.id), program) : program);
}

void MainWindow::openStartDialog(const StartRequest& request)
{
    auto* dialog = new StartDialog(m_settings, m_lab, *m_devices, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setRequest(request);
    connect(dialog, &QDialog::accepted, this, [this, dialog] { launch(dialog->request()); });
    dialog->open();
}

void MainWindow::openFile(const QString& file)
{
    if (m_front->openFile(file))
        return;
    for (Page* page : m_pages) {
        if (page != m_front && page->openFile(file)) {
            m_tabs->setCurrentWidget(page);
            return;
        }
    }
    openRecentExperiment(file);
}

void MainWindow::compareRuns(const std::vector<int>& ids)
{
    m_comparePage->setRuns(ids);
    m_tabs->setCurrentWidget(m_comparePage);
}

void MainWindow::addToComparison(const std::vector<int>& ids)
{
    m_comparePage->addRuns(ids);
    m_tabs->setCurrentWidget(m_comparePage);
}

void MainWindow::profilePair(const QString& pair)
{
    m_tabs->setCurrentWidget(m_profilePage);
    m_profilePage->openMeasureDialog(pair);
}

void MainWindow::planProfile(const QString& profileId)
{
    if (!profileId.isEmpty())
        m_schedulesPage->setProfile(profileId);
    m_tabs->setCurrentWidget(m_schedulesPage);
}

void MainWindow::launch(const StartRequest& request)
{
    const bool isOfARun = request.file.isEmpty() || request.file.startsWith(toQString(m_lab / "runs"));
    if (!isOfARun)
        m_settings.addRecentExperiment(request.file);
    statusBar()->showMessage(isOfARun ? tr("Starting…") : tr("Starting %1…").arg(QFileInfo(request.file).fileName()));
    m_launcher->start(request);
}

void MainWindow::stopRun(int runId, bool now)
{
    statusBar()->showMessage(tr("Stopping run %1…").arg(runId), messageTime);
    m_launcher->stop(runId, now);
}

void MainWindow::chooseLab()
{
    askForFolder(this, tr("Open another lab"), toQString(m_lab), [this](const QString& folder) { openLab(toPath(folder)); });
}

void MainWindow::openRecentLab(const QString& folder)
{
    openLab(toPath(folder));
}

void MainWindow::openRecentExperiment(const QString& file)
{
    openStartDialog({file, {}, {}, {}});
}

void MainWindow::showEvent(QShowEvent* event)
{
    QMainWindow::showEvent(event);
    if (!m_devices->isKnown()) // once the window is up
        QTimer::singleShot(timeToSettle, m_devices, [this] { m_devices->look(toQString(m_lab)); });
}

void MainWindow::exportChart(MetricChart* chart)
{
    const QString name = QStringLiteral("%1-%2")
                             .arg(runPage()->record().id, 4, 10, QLatin1Char('0'))
                             .arg(QString::fromStdString(runPage()->record().name));
    exportChartInteractively(*chart, QString(name).replace(QLatin1Char('/'), QLatin1Char('_')), m_settings, this);
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    saveLayout();
    QMainWindow::closeEvent(event);
}

void MainWindow::changeEvent(QEvent* event)
{
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_actions)
        tintIcons();
    if (event->type() == QEvent::WindowStateChange && m_actions)
        m_actions->fullScreen->setChecked(isFullScreen());
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (!firstLocalFile(*event->mimeData()).isEmpty())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    const QString file = firstLocalFile(*event->mimeData());
    event->acceptProposedAction();
    openFile(file);
}

} // namespace pipebd::gui
