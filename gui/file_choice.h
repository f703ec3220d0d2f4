// Asking for a file without holding up whoever asks; the folder is remembered by purpose.
#pragma once

#include <QString>

#include <functional>

class QWidget;

namespace pipebd::gui {

class Settings;

struct FileChoice {
    QString title;
    QString purpose; // of Settings::folder()
    QString filter; // "Experiments (*.toml);;All files (*)"
    QString name = {}; // proposed, of a file to write
    QString suffix = {}; // given to a file to write that has none
};

/// `chosen` is called once the user has chosen a file, with its path; not at all if they do not. The dialog goes with `parent`.
void chooseFileToOpen(QWidget* parent, Settings& settings, const FileChoice& choice, std::function<void(const QString&)> chosen);
void chooseFileToWrite(QWidget* parent, Settings& settings, const FileChoice& choice, std::function<void(const QString&)> chosen);
void chooseFolder(QWidget* parent, const QString& title, const QString& folder, std::function<void(const QString&)> chosen);

} // namespace pipebd::gui
