// The actions of the main window: one each for menu, toolbar and shortcut.
#pragma once

#include "gui/main_window.h"

#include <QAction>

#include <map>
#include <vector>

class QMenu;

namespace pipebd::gui {

struct MainWindow::Actions {
    QAction* start = nullptr;
    QAction* findSchedule = nullptr;
    QAction* openLab = nullptr;
    std::vector<QAction*> exports; // one a chart
    QAction* quit = nullptr;
    QAction* fit = nullptr;
    QAction* filter = nullptr;
    std::vector<QAction*> pages; // go to each
    std::map<const Page*, QMenu*> pageMenus;
    QActionGroup* themes = nullptr;
    QAction* fullScreen = nullptr;
    QAction* statusBar = nullptr; // shows it or not
    QAction* command = nullptr;
    QAction* defaultLayout = nullptr;
    QAction* undo = nullptr;
    QAction* redo = nullptr;
    QAction* shortcuts = nullptr;
    QAction* about = nullptr;
    QAction* aboutQt = nullptr;
};

} // namespace pipebd::gui
