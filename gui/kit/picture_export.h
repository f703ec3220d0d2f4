// Writing what is drawn to a picture file.
#pragma once

#include "gui/kit/file_dialogs.h"

#include <QSize>
#include <QString>

#include <functional>

class QCustomPlot;
class QPaintDevice;

namespace pipebd::gui {

struct Picture {
    QString title;
    QSize size; // in pixels of the screen
    std::function<void(QPaintDevice* device)> draw;
};

/// As large as the plot is on the screen, or `size`. The plot must be there until the picture is written.
Picture pictureOf(QCustomPlot& plot, const QString& title, QSize size = {});

/// By the suffix: png, pdf or svg. Throws Error{BadRequest} for another one and Error{System} if the file cannot be written.
void writePicture(const Picture& picture, const QString& file);

/// PNG, PDF, SVG; more may be added to them.
std::vector<FileType> pictureTypes();

} // namespace pipebd::gui
