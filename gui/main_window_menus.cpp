#include "gui/main_window_actions.h"

#include "gui/lab/page.h"
#include "gui/runs/run_actions.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_list_actions.h"

#include <QActionGroup>
#include <QDir>
#include <QDockWidget>
#include <QMenuBar>
#include <QToolBar>

namespace pipebd::gui {

namespace {

void addAll(QMenu* menu, const std::vector<QAction*>& actions)
{
    for (QAction* action : actions) {
        if (action)
            menu->addAction(action);
        else
            menu->addSeparator();
    }
}

} // namespace

void MainWindow::createMenus()
{
    Actions& a = *m_actions;
    createFileMenu();
    QMenu* edit = menuBar()->addMenu(tr("&Edit"));
    edit->addAction(a.undo);
    edit->addAction(a.redo);
    edit->addSeparator();
    const RunListActions& runs = *m_runList->actions();
    edit->addActions({runs.tags, runs.note});
    edit->addSeparator();
    edit->addActions({runs.remove, runs.restore, runs.purge});
    edit->addSeparator();
    edit->addAction(a.filter);
    QMenu* run = menuBar()->addMenu(tr("Ru&n"));
    addAll(run, m_runActions->inOrder());
    run->addSeparator();
    run->addActions({runs.compare, runs.addToComparison, runs.exportFolder});
    createPageMenus();
    createViewMenu();
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    help->addAction(a.shortcuts);
    help->addSeparator();
    help->addAction(a.about);
    help->addAction(a.aboutQt);
}

void MainWindow::createFileMenu()
{
    Actions& a = *m_actions;
    QMenu* file = menuBar()->addMenu(tr("&File"));
    file->addAction(a.start);
    QMenu* experiments = file->addMenu(tr("Recent &experiments"));
    experiments->setObjectName(QStringLiteral("recentExperiments"));
    connect(experiments, &QMenu::aboutToShow, this,
        [this, experiments] { fillRecent(experiments, m_settings.recentExperiments(), &MainWindow::openRecentExperiment); });
    file->addSeparator();
    file->addAction(a.openLab);
    QMenu* labs = file->addMenu(tr("Recent &labs"));
    labs->setObjectName(QStringLiteral("recentLabs"));
    connect(
        labs, &QMenu::aboutToShow, this, [this, labs] { fillRecent(labs, m_settings.recentLabs(), &MainWindow::openRecentLab); });
    file->addSeparator();
    QMenu* exports = file->addMenu(tr("E&xport chart"));
    addAll(exports, a.exports);
    file->addAction(m_runList->actions()->exportTable);
    file->addSeparator();
    file->addAction(a.quit);
}

void MainWindow::fillRecent(QMenu* menu, const QStringList& paths, void (MainWindow::*open)(const QString&))
{
    menu->clear();
    for (const QString& path : paths) {
        const qsizetype place = menu->actions().size() + 1;
        const QString text = QString(QDir::toNativeSeparators(path)).replace(QLatin1Char('&'), QStringLiteral("&&"));
        QAction* action = menu->addAction(place < 10 ? QStringLiteral("&%1  ").arg(place) + text : text);
        action->setStatusTip(path);
        connect(action, &QAction::triggered, this, [this, path, open] { (this->*open)(path); });
    }
    if (menu->isEmpty())
        menu->addAction(tr("None yet"))->setEnabled(false);
}

void MainWindow::createPageMenus()
{
    for (Page* page : m_pages) {
        const std::vector<QAction*> own = page->menuActions();
        if (own.empty())
            continue;
        QMenu* menu = menuBar()->addMenu(page->title());
        addAll(menu, own);
        menu->menuAction()->setVisible(page == m_front);
        m_actions->pageMenus[page] = menu;
    }
}

void MainWindow::createViewMenu()
{
    Actions& a = *m_actions;
    createToolBar();
    QMenu* view = menuBar()->addMenu(tr("&View"));
    addAll(view, a.pages);
    view->addSeparator();
    view->addAction(a.fit);
    view->addAction(m_runList->actions()->showDeleted);
    view->addSeparator();
    view->addAction(findChild<QToolBar*>(QStringLiteral("tools"))->toggleViewAction());
    view->addAction(m_runsDock->toggleViewAction());
    view->addAction(m_logDock->toggleViewAction());
    view->addAction(a.command);
    view->addAction(a.statusBar);
    view->addAction(a.fullScreen);
    view->addSeparator();
    QMenu* themes = view->addMenu(tr("&Theme"));
    themes->addActions(a.themes->actions());
    view->addAction(a.defaultLayout);
}

void MainWindow::createToolBar()
{
    Actions& a = *m_actions;
    QToolBar* toolBar = addToolBar(tr("Toolbar"));
    toolBar->setObjectName(QStringLiteral("tools"));
    toolBar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    toolBar->setIconSize({18, 18});
    toolBar->setMovable(false);
    toolBar->addActions({a.start, m_runActions->stop()});
    toolBar->addSeparator();
    toolBar->addAction(a.fit);
}

} // namespace pipebd::gui
