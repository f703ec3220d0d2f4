// Where to write, asked without holding up anything: dialogs that begin in the folder used last, and give the file its suffix.
#pragma once

#include <QString>

#include <functional>
#include <vector>

class QMimeData;
class QWidget;

namespace pipebd::gui {

class Settings;

struct FileType {
    QString name; // "PNG image"
    QString suffix; // "png"
};

/// `name`: suggested, without suffix; what no file name may have is replaced. `then` has the file, once one is chosen.
void askForFile(QWidget* parent, const QString& title, const QString& name, const std::vector<FileType>& types, Settings& settings,
    std::function<void(const QString& file)> then);

/// The same; what `write` throws is told in a box.
void exportInteractively(QWidget* parent, const QString& title, const QString& name, const std::vector<FileType>& types,
    Settings& settings, std::function<void(const QString& file)> write);

/// Where something is to be put; remembered.
void askForFolder(QWidget* parent, const QString& title, Settings& settings, std::function<void(const QString& folder)> then);

/// Beginning at `at`; not remembered.
void askForFolder(QWidget* parent, const QString& title, const QString& at, std::function<void(const QString& folder)> then);

/// In a box of its own, an object of this name; its text is shown as it is.
void tellFailure(
    QWidget* parent, const QString& title, const QString& error, const QString& objectName = QStringLiteral("failure"));

/// All of it or nothing. Throws Error{System}.
void writeFile(const QString& file, const QByteArray& contents);

/// The first dropped or pasted local file, empty if there is none.
QString firstLocalFile(const QMimeData& data);

} // namespace pipebd::gui
