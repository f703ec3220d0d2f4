// The text of the exception being handled; for the boundary between core and the event loop.
#pragma once

#include <QString>

#include <filesystem>

namespace pipebd::gui {

/// One line. Call it inside a catch block.
QString currentErrorText();

QString toQString(const std::filesystem::path& path);
std::filesystem::path toPath(const QString& path);

} // namespace pipebd::gui
