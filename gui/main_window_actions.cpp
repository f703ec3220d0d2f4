#include "gui/main_window_actions.h"

#include "gui/about_dialog.h"
#include "gui/charts/metric_chart.h"
#include "gui/kit/icons.h"
#include "gui/lab/page.h"
#include "gui/runs/run_actions.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_list_actions.h"
#include "gui/runs/run_page.h"
#include "gui/shortcut_list.h"

#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QLineEdit>
#include <QStatusBar>
#include <QUndoGroup>

namespace pipebd::gui {

namespace {

QAction* makeAction(QObject* parent, const QString& text, const QString& statusTip, const QKeySequence& shortcut = {})
{
    auto* action = new QAction(text, parent);
    action->setStatusTip(statusTip);
    if (!shortcut.isEmpty()) {
        action->setShortcut(shortcut);
        QString plain = text;
        action->setToolTip(QStringLiteral("%1 (%2)").arg(
            plain.remove(QLatin1Char('&')).remove(QStringLiteral("…")), shortcut.toString(QKeySequence::NativeText)));
    }
    return action;
}

} // namespace

void MainWindow::createActions()
{
    m_actions = std::make_unique<Actions>();
    createFileActions();
    createPageActions();
    createViewActions();
    createEditActions();
    createExportActions();
    createHelpActions();
    connectRunActions();
    tintIcons();
    enableFit();
}

void MainWindow::createFileActions()
{
    Actions& a = *m_actions;
    a.start = makeAction(this, tr("&Start a run…"), tr("Choose an experiment file and start it"), QKeySequence::New);
    connect(a.start, &QAction::triggered, this, [this] { openStartDialog({}); });
    a.findSchedule = makeAction(this, tr("&Compare schedules…"), tr("Show all strategies for a pair on timelines"));
    connect(a.findSchedule, &QAction::triggered, this, [this] { planProfile({}); });
    a.openLab = makeAction(this, tr("&Open another lab…"), tr("Show the runs of another lab folder"), QKeySequence::Open);
    connect(a.openLab, &QAction::triggered, this, &MainWindow::chooseLab);
    a.quit = makeAction(this, tr("&Quit"), tr("Close the window; runs continue"), QKeySequence(Qt::CTRL | Qt::Key_Q));
    connect(a.quit, &QAction::triggered, this, &QWidget::close);
}

void MainWindow::createPageActions()
{
    Actions& a = *m_actions;
    a.fit = makeAction(this, tr("&Fit all"), tr("Show all data in every chart"));
    a.fit->setShortcuts({QKeySequence(Qt::Key_F), QKeySequence(Qt::Key_Escape)});
    a.fit->setToolTip(tr("Fit all (F)"));
    connect(a.fit, &QAction::triggered, this, [this] { m_front->fitAll(); });
    a.filter = makeAction(this, tr("Fi&lter the runs"), tr("Go to the filter of the run list"), QKeySequence::Find);
    connect(a.filter, &QAction::triggered, this, [this] {
        m_runsDock->show();
        m_runList->filterField()->setFocus(Qt::ShortcutFocusReason);
    });

    for (Page* page : m_pages) {
        const int number = static_cast<int>(a.pages.size()) + 1;
        QAction* action = makeAction(this, page->title(), tr("Go to this page"), QKeySequence(Qt::CTRL | (Qt::Key_0 + number)));
        connect(action, &QAction::triggered, this, [this, page] { m_tabs->setCurrentWidget(page); });
        a.pages.push_back(action);
    }
}

void MainWindow::createViewActions()
{
    Actions& a = *m_actions;
    a.themes = new QActionGroup(this);
    const Theme current = m_settings.theme();
    for (const auto& [theme, text] :
        {std::pair(Theme::System, tr("&System")), std::pair(Theme::Light, tr("&Light")), std::pair(Theme::Dark, tr("&Dark"))}) {
        QAction* action = makeAction(a.themes, text, tr("Choose the colours of the window"));
        action->setCheckable(true);
        action->setChecked(theme == current);
        connect(action, &QAction::triggered, this, [this, chosen = theme] { setTheme(chosen); });
    }
    a.fullScreen = makeAction(this, tr("F&ull screen"), tr("Switch full screen on or off"), Qt::Key_F11);
    a.fullScreen->setCheckable(true);
    connect(a.fullScreen, &QAction::toggled, this, &MainWindow::showFullScreenOrNot);
    a.statusBar = makeAction(this, tr("St&atus bar"), tr("Show or hide the line at the bottom of the window"));
    a.statusBar->setCheckable(true);
    a.statusBar->setChecked(true);
    connect(a.statusBar, &QAction::toggled, this, [this](bool on) { statusBar()->setVisible(on); });
    a.command = makeAction(this, tr("&Command line"), tr("Show or hide the equivalent command line"));
    a.command->setCheckable(true);
    a.command->setChecked(true);
    connect(a.command, &QAction::toggled, this, &MainWindow::showCommand);
}

void MainWindow::createEditActions()
{
    Actions& a = *m_actions;
    a.undo = m_undo->createUndoAction(this, tr("&Undo"));
    a.undo->setShortcut(QKeySequence::Undo);
    a.undo->setStatusTip(tr("Undo the last change on this page"));
    a.redo = m_undo->createRedoAction(this, tr("&Redo"));
    a.redo->setShortcut(QKeySequence::Redo);
    a.redo->setStatusTip(tr("Redo the change that was undone"));
    a.defaultLayout = makeAction(this, tr("&Restore default layout"), tr("Reset docks, columns and charts to the default layout"));
    connect(a.defaultLayout, &QAction::triggered, this, &MainWindow::restoreDefaultLayout);
}

void MainWindow::createExportActions()
{
    for (MetricChart* chart : runPage()->charts()) {
        QAction* action = makeAction(this, tr("%1…").arg(chart->title()), tr("Write this chart as PNG, PDF, SVG or CSV"));
        connect(action, &QAction::triggered, this, [this, chart] { exportChart(chart); });
        m_actions->exports.push_back(action);
    }
}

void MainWindow::createHelpActions()
{
    Actions& a = *m_actions;
    a.shortcuts = makeAction(this, tr("&Keyboard shortcuts…"), tr("All keyboard shortcuts, by page"));
    a.shortcuts->setShortcuts({QKeySequence(Qt::Key_F1), QKeySequence(Qt::Key_Question)});
    connect(a.shortcuts, &QAction::triggered, this, [this] {
        auto* list = new ShortcutList(shortcutsOf(*this), this);
        list->setAttribute(Qt::WA_DeleteOnClose);
        list->open();
    });
    a.about = makeAction(this, tr("&About Pipe-BD Workbench"), tr("Versions and licences"));
    connect(a.about, &QAction::triggered, this, [this] {
        auto* about = new AboutDialog(*m_devices, this);
        about->setAttribute(Qt::WA_DeleteOnClose);
        about->open();
    });
    a.aboutQt = makeAction(this, tr("About &Qt"), tr("About the Qt library"));
    connect(a.aboutQt, &QAction::triggered, qApp, &QApplication::aboutQt);
}

void MainWindow::connectRunActions()
{
    m_runActions = new RunActions(m_settings, this);
    connect(m_runActions, &RunActions::stopRequested, this, &MainWindow::stopRun);
    connect(m_runActions, &RunActions::startRequested, this, &MainWindow::openStartDialog);
    connect(m_runActions, &RunActions::launchRequested, this, &MainWindow::launch);
    connect(m_runActions, &RunActions::comparisonRequested, this, [this](int id) { addToComparison({id}); });
    connect(m_runActions, &RunActions::messagePosted, this,
        [this](const QString& text) { statusBar()->showMessage(text, messageTime); });
    connect(runPage(), &RunPage::traceExportRequested, m_runActions, &RunActions::chooseTraceFile);
}

// A timeline has its own; the same keys twice would do nothing.
void MainWindow::enableFit()
{
    m_actions->fit->setEnabled(m_front->canFitAll());
}

void MainWindow::showFullScreenOrNot(bool full)
{
    setWindowState(full ? windowState() | Qt::WindowFullScreen : windowState() & ~Qt::WindowFullScreen);
}

void MainWindow::tintIcons()
{
    const QColor colour = palette().color(QPalette::ButtonText);
    m_actions->start->setIcon(tintedIcon(QStringLiteral("start"), colour));
    m_actions->openLab->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_runActions->tintIcons();
    m_actions->fit->setIcon(tintedIcon(QStringLiteral("fit"), colour));
    for (QAction* action : m_actions->exports)
        action->setIcon(tintedIcon(QStringLiteral("export"), colour));
}

} // namespace pipebd::gui
