#include "gui/main_window_actions.h"

#include "gui/about.h"
#include "gui/icons.h"
#include "gui/metric_chart.h"
#include "gui/page.h"
#include "gui/run_list.h"
#include "gui/run_list_actions.h"
#include "gui/run_page.h"

#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QLineEdit>
#include <QMenuBar>
#include <QToolBar>

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
    Actions& a = *m_actions;

    a.start = makeAction(this, tr("&Start a run…"), tr("Choose an experiment file and start it"), QKeySequence::New);
    connect(a.start, &QAction::triggered, this, [this] { openStartDialog({}); });
    a.stop = makeAction(this, tr("S&top the run"), tr("Stop the selected run; what it has stored is kept"),
        QKeySequence(Qt::CTRL | Qt::Key_Period));
    a.stop->setEnabled(false);
    connect(a.stop, &QAction::triggered, this, &MainWindow::stopRun);
    a.openLab = makeAction(this, tr("&Open another lab…"), tr("Show the runs of another lab folder"), QKeySequence::Open);
    connect(a.openLab, &QAction::triggered, this, &MainWindow::chooseLab);
    a.copyFolder = makeAction(this, tr("&Copy the folder's path"), tr("Copy the path of the selected run's folder"),
        QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C));
    connect(a.copyFolder, &QAction::triggered, this, &MainWindow::copyFolder);
    a.openFolder = makeAction(this, tr("Open the run's &folder"), tr("Show the selected run's folder in the file manager"));
    connect(a.openFolder, &QAction::triggered, this, &MainWindow::openFolder);
    a.quit = makeAction(this, tr("&Quit"), tr("Close the window; runs go on"), QKeySequence(Qt::CTRL | Qt::Key_Q));
    connect(a.quit, &QAction::triggered, this, &QWidget::close);

    a.fit = makeAction(this, tr("&Fit all"), tr("Show all data in every chart again"));
    a.fit->setShortcuts({QKeySequence(Qt::Key_F), QKeySequence(Qt::Key_Escape)});
    a.fit->setToolTip(tr("Fit all (F)"));
    connect(a.fit, &QAction::triggered, this, [this] { m_front->fitAll(); });
    a.filter = makeAction(this, tr("Fi&lter the runs"), tr("Go to the filter of the list of runs"), QKeySequence::Find);
    connect(a.filter, &QAction::triggered, this, [this] {
        m_runsDock->show();
        m_runList->filterField()->setFocus(Qt::ShortcutFocusReason);
    });

    for (Page* page : m_pages) {
        const int number = static_cast<int>(a.pages.size()) + 1;
        QAction* action = makeAction(this, page->title(), tr("Go to this page"), QKeySequence(Qt::CTRL | (Qt::Key_0 + number)));
        connect(action, &QAction::triggered, this, [this, page] { showPage(page->id()); });
        a.pages.push_back(action);
    }
    a.themes = new QActionGroup(this);
    const Theme current = m_settings.theme();
    for (const auto& [theme, text] :
        {std::pair(Theme::System, tr("&System")), std::pair(Theme::Light, tr("&Light")), std::pair(Theme::Dark, tr("&Dark"))}) {
        QAction* action = makeAction(a.themes, text, tr("Choose the colours of the window"));
        action->setCheckable(true);
        action->setChecked(theme == current);
        connect(action, &QAction::triggered, this, [this, chosen = theme] { setTheme(chosen); });
    }
    a.defaultLayout
        = makeAction(this, tr("&Restore default layout"), tr("Put docks, columns and charts back where they were at first"));
    connect(a.defaultLayout, &QAction::triggered, this, &MainWindow::restoreDefaultLayout);

    for (MetricChart* chart : runPage()->charts()) {
        QAction* action = makeAction(this, tr("%1…").arg(chart->title()), tr("Write this chart as PNG, PDF, SVG or CSV"));
        connect(action, &QAction::triggered, this, [this, chart] { exportChart(chart); });
        a.exports.push_back(action);
    }

    a.about = makeAction(this, tr("&About Pipe-BD Workbench"), tr("Versions and licence"));
    connect(a.about, &QAction::triggered, this, [this] { showAbout(this); });
    a.aboutQt = makeAction(this, tr("About &Qt"), tr("About the library that draws this window"));
    connect(a.aboutQt, &QAction::triggered, qApp, &QApplication::aboutQt);
    tintIcons();
}

void MainWindow::createMenus()
{
    Actions& a = *m_actions;
    QMenu* file = menuBar()->addMenu(tr("&File"));
    file->addAction(a.start);
    file->addAction(a.openLab);
    file->addSeparator();
    QMenu* exports = file->addMenu(tr("&Export chart"));
    for (QAction* action : a.exports)
        exports->addAction(action);
    const RunListActions& runs = *m_runList->actions();
    file->addAction(runs.exportTable);
    file->addSeparator();
    file->addAction(a.quit);

    QMenu* edit = menuBar()->addMenu(tr("&Edit"));
    edit->addActions({runs.undo, runs.redo});
    edit->addSeparator();
    edit->addActions({runs.tags, runs.note});
    edit->addSeparator();
    edit->addActions({runs.remove, runs.restore, runs.purge});

    QMenu* run = menuBar()->addMenu(tr("&Run"));
    run->addAction(a.stop);
    run->addSeparator();
    run->addActions({runs.compare, runs.addToComparison});
    run->addSeparator();
    run->addActions({runs.exportFolder, runs.exportTrace});
    run->addSeparator();
    run->addAction(a.copyFolder);
    run->addAction(a.openFolder);

    for (Page* page : m_pages) {
        const std::vector<QAction*> own = page->menuActions();
        if (own.empty())
            continue;
        QMenu* menu = menuBar()->addMenu(page->title());
        for (QAction* action : own) {
            if (action)
                menu->addAction(action);
            else
                menu->addSeparator();
        }
        menu->menuAction()->setVisible(page == m_front);
        a.pageMenus[page] = menu;
    }

    QMenu* view = menuBar()->addMenu(tr("&View"));
    for (QAction* action : a.pages)
        view->addAction(action);
    view->addSeparator();
    view->addAction(a.fit);
    view->addAction(a.filter);
    view->addAction(runs.showDeleted);
    view->addSeparator();
    view->addAction(m_runsDock->toggleViewAction());
    view->addAction(m_logDock->toggleViewAction());
    view->addSeparator();
    QMenu* themes = view->addMenu(tr("&Theme"));
    themes->addActions(a.themes->actions());
    view->addAction(a.defaultLayout);

    QMenu* help = menuBar()->addMenu(tr("&Help"));
    help->addAction(a.about);
    help->addAction(a.aboutQt);

    QToolBar* toolBar = addToolBar(tr("Tools"));
    toolBar->setObjectName(QStringLiteral("tools"));
    toolBar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    toolBar->setIconSize({18, 18});
    toolBar->setMovable(false);
    toolBar->addActions({a.start, a.stop});
    toolBar->addSeparator();
    toolBar->addAction(a.fit);
    view->insertAction(m_runsDock->toggleViewAction(), toolBar->toggleViewAction());
}

void MainWindow::tintIcons()
{
    const QColor colour = palette().color(QPalette::ButtonText);
    m_actions->start->setIcon(tintedIcon(QStringLiteral("start"), colour));
    m_actions->stop->setIcon(tintedIcon(QStringLiteral("stop"), colour));
    m_actions->openLab->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_actions->openFolder->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_actions->copyFolder->setIcon(tintedIcon(QStringLiteral("copy"), colour));
    m_actions->fit->setIcon(tintedIcon(QStringLiteral("fit"), colour));
    for (QAction* action : m_actions->exports)
        action->setIcon(tintedIcon(QStringLiteral("export"), colour));
}

} // namespace pipebd::gui
