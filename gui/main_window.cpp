#include "gui/main_window.h"

#include "gui/chart_export.h"
#include "gui/error_text.h"
#include "gui/icons.h"
#include "gui/launcher.h"
#include "gui/log_panel.h"
#include "gui/main_window_actions.h"
#include "gui/message_page.h"
#include "gui/metric_chart.h"
#include "gui/run_list.h"
#include "gui/run_page.h"
#include "gui/start_dialog.h"

#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QDesktopServices>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolBar>
#include <QUrl>

#include <utility>

namespace pipebd::gui {

namespace {

constexpr int layoutVersion = 1; // raise it when docks or toolbars change: older layouts are then not restored
constexpr QSize defaultSize(1280, 800);
constexpr int runsWidth = 456;
constexpr int logHeight = 130;
constexpr int messageTime = 10000; // ms

} // namespace

MainWindow::MainWindow(Settings& settings, const std::filesystem::path& lab, QWidget* parent)
    : QMainWindow(parent)
    , m_settings(settings)
{
    setWindowIcon(applicationIcon());
    setAcceptDrops(true);
    setDockNestingEnabled(true);
    createPages();
    createDocks();
    createActions();
    createMenus();
    m_welcomePage = makeWelcomePage(toQString(lab), m_actions->start, m_actions->openLab, m_pages);
    m_pages->addWidget(m_welcomePage);
    m_errorPage->addAction(m_actions->openLab, true);
    statusBar()->setSizeGripEnabled(false);

    resize(defaultSize);
    resizeDocks({m_runsDock}, {runsWidth}, Qt::Horizontal);
    resizeDocks({m_logDock}, {logHeight}, Qt::Vertical);
    m_defaultLayout = QMainWindow::saveState(layoutVersion);
    restoreLayout();
    openLab(lab);
}

MainWindow::~MainWindow() = default;

void MainWindow::createPages()
{
    m_pages = new QStackedWidget(this);
    m_readingPage = new MessagePage(tr("Reading the lab…"), {}, m_pages);
    m_errorPage = new MessagePage(tr("This lab cannot be read"), {}, m_pages);
    m_runPage = new RunPage(m_settings, m_pages);
    for (QWidget* page : std::initializer_list<QWidget*>{m_readingPage, m_errorPage, m_runPage})
        m_pages->addWidget(page);
    setCentralWidget(m_pages);
    connect(m_runPage, &RunPage::loaded, this, &MainWindow::settled);
    connect(m_runPage, &RunPage::recordChanged, this, &MainWindow::recordChanged);
    connect(m_runPage, &RunPage::exportRequested, this, &MainWindow::exportChart);
}

void MainWindow::createDocks()
{
    m_runList = new RunList(m_settings, this);
    m_runsDock = new QDockWidget(tr("Runs"), this);
    m_runsDock->setObjectName(QStringLiteral("runsDock"));
    m_runsDock->setWidget(m_runList);
    addDockWidget(Qt::LeftDockWidgetArea, m_runsDock);
    connect(m_runList, &RunList::runSelected, this, &MainWindow::showRun);

    m_log = new LogPanel(this);
    m_logDock = new QDockWidget(tr("Log"), this);
    m_logDock->setObjectName(QStringLiteral("logDock"));
    m_logDock->setWidget(m_log);
    addDockWidget(Qt::BottomDockWidgetArea, m_logDock);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    connect(m_runPage, &RunPage::logRead, m_log, &LogPanel::append);

    m_runsDock->toggleViewAction()->setStatusTip(tr("Show or hide the list of runs"));
    m_logDock->toggleViewAction()->setStatusTip(tr("Show or hide the log of the run"));
}

void MainWindow::restoreLayout()
{
    const QByteArray window = m_settings.state(QStringLiteral("window"));
    const QByteArray layout = m_settings.state(QStringLiteral("layout"));
    if (!window.isEmpty() && !restoreGeometry(window))
        m_settings.reportDamage();
    if (!layout.isEmpty() && !QMainWindow::restoreState(layout, layoutVersion)) {
        m_settings.reportDamage();
        QMainWindow::restoreState(m_defaultLayout, layoutVersion);
    }
    if (m_settings.wasDamaged())
        statusBar()->showMessage(tr("Some saved settings could not be used; their defaults are in force."));
}

void MainWindow::saveLayout()
{
    m_settings.setState(QStringLiteral("window"), saveGeometry());
    m_settings.setState(QStringLiteral("layout"), QMainWindow::saveState(layoutVersion));
    m_runList->saveState();
    m_runPage->saveState();
}

void MainWindow::restoreDefaultLayout()
{
    QMainWindow::restoreState(m_defaultLayout, layoutVersion);
    resizeDocks({m_runsDock}, {runsWidth}, Qt::Horizontal);
    resizeDocks({m_logDock}, {logHeight}, Qt::Vertical);
    m_runList->restoreDefaultLayout();
    m_runPage->restoreDefaultLayout();
}

void MainWindow::showOnlyThePage()
{
    for (QWidget* around : std::initializer_list<QWidget*>{m_runsDock, m_logDock, menuBar(), statusBar(), findChild<QToolBar*>()})
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
    m_runPage->leave();
    m_log->clear();
    m_runList->setRuns(std::make_shared<const std::vector<store::RunRecord>>());
    m_pages->setCurrentWidget(m_readingPage);
    m_readingPage->setText(toQString(lab));
    updateTitle();

    if (m_launcher) {
        m_launcher->disconnect(this);
        m_launcher->deleteLater();
    }
    m_launcher = new Launcher(toQString(lab), this);
    connect(m_launcher, &Launcher::started, this, [this](int id) {
        statusBar()->showMessage(tr("Run %1 has started.").arg(id), messageTime);
        selectRun(id);
    });
    connect(m_launcher, &Launcher::startFailed, this, [this](const QString& error) {
        statusBar()->clearMessage();
        auto* box = new QMessageBox(QMessageBox::Warning, tr("The run did not start"), error, QMessageBox::Ok, this);
        box->setObjectName(QStringLiteral("startFailed"));
        box->setTextFormat(Qt::PlainText);
        box->setAttribute(Qt::WA_DeleteOnClose);
        box->open();
    });
    connect(
        m_launcher, &Launcher::stopFailed, this, [this](const QString& error) { statusBar()->showMessage(error, messageTime); });

    m_follower = std::make_unique<LabFollower>(lab);
    connect(m_follower.get(), &LabFollower::scanned, this, &MainWindow::take);
    connect(m_follower.get(), &LabFollower::failed, this, &MainWindow::showLabError);
}

void MainWindow::take(const RunRecords& runs)
{
    m_runList->setRuns(runs);
    const bool first = !std::exchange(m_scanned, true);
    if (m_wanted && !m_runList->select(*m_wanted))
        statusBar()->showMessage(tr("There is no run %1 in this lab.").arg(*m_wanted), messageTime);
    m_wanted.reset();
    if (first && !m_runList->selected() && !runs->empty())
        m_runList->select(runs->front().id);
    if (runs->empty()) {
        m_runPage->leave();
        m_pages->setCurrentWidget(m_welcomePage);
        updateTitle();
    } else if (m_runPage->runId()) {
        m_pages->setCurrentWidget(m_runPage);
    }
    m_launcher->lookAt(runs);
    if (first && isSettled())
        emit settled();
}

void MainWindow::showLabError(const QString& error)
{
    if (m_runPage->runId()) {
        statusBar()->showMessage(error, messageTime); // what is on the page stays there
        return;
    }
    m_errorPage->setText(error);
    m_pages->setCurrentWidget(m_errorPage);
    emit labFailed(error);
}

bool MainWindow::isSettled() const
{
    return m_scanned && !m_wanted && (!m_runPage->runId() || m_runPage->isLoaded());
}

void MainWindow::selectRun(int id)
{
    if (!m_runList->select(id) && !m_scanned)
        m_wanted = id;
}

void MainWindow::showRun(const store::RunRecord& run)
{
    if (m_runPage->runId() == run.id)
        return;
    m_log->clear();
    m_runPage->follow(run);
    m_pages->setCurrentWidget(m_runPage);
}

void MainWindow::recordChanged(const store::RunRecord& run)
{
    m_actions->stop->setEnabled(!store::is_final(run.state));
    updateTitle();
}

void MainWindow::updateTitle()
{
    const bool hasRun = m_runPage->runId().has_value();
    const store::RunRecord& run = m_runPage->record();
    m_actions->copyFolder->setEnabled(hasRun);
    m_actions->openFolder->setEnabled(hasRun);
    m_actions->stop->setEnabled(hasRun && !store::is_final(run.state));
    for (QAction* action : m_actions->exports)
        action->setEnabled(hasRun);
    const QString program = tr("Pipe-BD Workbench");
    setWindowTitle(
        hasRun ? tr("%1 (run %2) – %3").arg(QString::fromStdString(run.name), QString::number(run.id), program) : program);
}

void MainWindow::openStartDialog(const QString& experiment)
{
    auto* dialog = new StartDialog(m_settings, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    if (!experiment.isEmpty())
        dialog->setFile(experiment);
    connect(dialog, &QDialog::accepted, this, [this, dialog] { launch(dialog->request()); });
    dialog->open();
}

void MainWindow::launch(const StartRequest& request)
{
    m_settings.addRecentExperiment(request.file);
    statusBar()->showMessage(tr("Starting %1…").arg(QFileInfo(request.file).fileName()));
    m_launcher->start(request);
}

void MainWindow::stopRun()
{
    if (const std::optional<int> id = m_runPage->runId()) {
        statusBar()->showMessage(tr("Stopping run %1…").arg(*id), messageTime);
        m_launcher->stop(*id);
    }
}

void MainWindow::chooseLab()
{
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Open another lab"), toQString(m_lab));
    if (!folder.isEmpty())
        openLab(toPath(folder));
}

void MainWindow::copyFolder()
{
    QApplication::clipboard()->setText(toQString(m_runPage->record().folder));
}

void MainWindow::openFolder()
{
    QDesktopServices::openUrl(QUrl::fromLocalFile(toQString(m_runPage->record().folder)));
}

void MainWindow::exportChart(MetricChart* chart)
{
    const QString name = QStringLiteral("%1-%2")
                             .arg(m_runPage->record().id, 4, 10, QLatin1Char('0'))
                             .arg(QString::fromStdString(m_runPage->record().name));
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
    openStartDialog(file);
}

} // namespace pipebd::gui
