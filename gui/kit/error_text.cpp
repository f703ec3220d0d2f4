#include "gui/kit/error_text.h"

#include "base/foreign_error.h"

#include <QFile>

#include <exception>

namespace pipebd::gui {

QString currentErrorText()
{
    try {
        throw;
    } catch (const std::exception& error) {
        return QString::fromUtf8(error_from(error, "pipebd-workbench").what());
    } catch (...) {
        return QStringLiteral("unknown error: pipebd-workbench; please report it");
    }
}

QString toQString(const std::filesystem::path& path)
{
    return QFile::decodeName(QByteArray::fromStdString(path.string()));
}

std::filesystem::path toPath(const QString& path)
{
    return QFile::encodeName(path).toStdString();
}

} // namespace pipebd::gui
