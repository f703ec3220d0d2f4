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
    QAction* stop = nullptr;
    QAction* openLab = nullptr;
    std::vector<QAction*> exports; // one a chart
    QAction* copyFolder = nullptr;
    QAction* openFolder = nullptr;
    QAction* quit = nullptr;
    QAction* fit = nullptr;
    QAction* filter = nullptr;
    std::vector<QAction*> pages; // go to each
    std::map<const Page*, QMenu*> pageMenus;
    QActionGroup* themes = nullptr;
    QAction* defaultLayout = nullptr;
    QAction* about = nullptr;
    QAction* aboutQt = nullptr;
};

} // namespace pipebd::gui
