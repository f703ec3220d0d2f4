// Writing what is drawn to a picture file, and tables to text files.
#pragma once

#include <QSize>
#include <QString>
#include <QStringList>

#include <functional>

class QAbstractItemModel;
class QCustomPlot;
class QPaintDevice;
class QWidget;

namespace pipebd::gui {

class Settings;

struct Picture {
    QString title;
    QSize size; // in pixels of the screen
    std::function<void(QPaintDevice* device)> draw;
};

Picture pictureOf(QCustomPlot& plot, const QString& title);

/// By the suffix: png, pdf or svg. Throws Error{BadRequest} for another one and Error{System} if the file cannot be written.
void writePicture(const Picture& picture, const QString& file);

/// The table as CSV (RFC 4180, UTF-8, numbers in the C locale), all rows in the order of `table`; a text that a spreadsheet would
/// take for a formula begins with an apostrophe.
QByteArray tableAsCsv(const QAbstractItemModel& table);

/// Throws Error{System} if the file cannot be written.
void writeFile(const QString& file, const QByteArray& contents);

/// Asks for a file whose kind is one of `filters` ("PNG image (*.png)"), starting in the folder used last, has it written, and
/// shows what goes wrong in a message. True once it is written.
bool exportInteractively(const QString& title, const QString& proposedName, const QStringList& filters, Settings& settings,
    QWidget* parent, const std::function<void(const QString& file)>& write);

/// PNG, PDF, SVG.
QStringList pictureFilters();

} // namespace pipebd::gui
