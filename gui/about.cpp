#include "gui/about.h"

#include <QCoreApplication>

namespace pipebd::gui {

QString programVersion()
{
    return QStringLiteral(PIPEBD_VERSION);
}

void setApplicationIdentity()
{
    QCoreApplication::setOrganizationName(QStringLiteral("pipebd"));
    QCoreApplication::setApplicationName(QStringLiteral("pipebd-workbench"));
    QCoreApplication::setApplicationVersion(programVersion());
}

} // namespace pipebd::gui
