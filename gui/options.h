// Options: the command line of pipebd-workbench, read before there is any application object.
#pragma once

#include <QSize>
#include <QString>
#include <QStringList>

#include "gui/kit/theme.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace pipebd::gui {

struct Options {
    enum class Action { ShowWindow, Grab, Help, Version };

    Action action = Action::ShowWindow;
    std::filesystem::path lab;
    std::optional<Theme> theme; // for this start only
    std::optional<int> run;
    std::vector<int> compared; // for the page compare
    QString experiment; // opens the Start dialog
    QString grabFile;
    QString page;
    QSize size; // empty: the page's default
};

/// The pages that can be drawn: those of the window by their ids, "run" and "timeline" (a run without what
/// is around it), "start", "welcome".
QStringList pageNames();

/// Throws Error{BadRequest} that names the option and what is allowed. `arguments` starts with the program's name.
Options readOptions(const QStringList& arguments);

QString helpText(); // needs a QCoreApplication

} // namespace pipebd::gui
