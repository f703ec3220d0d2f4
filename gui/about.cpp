#include "gui/about.h"

#include "gui/icons.h"
#include "store/lab.h"

#include <QCoreApplication>
#include <QMessageBox>

#include <qcustomplot.h>

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

void showAbout(QWidget* parent)
{
    QMessageBox box(parent);
    box.setWindowTitle(QObject::tr("About Pipe-BD Workbench"));
    box.setIconPixmap(applicationIcon().pixmap(64, 64));
    box.setText(QObject::tr("<b>Pipe-BD Workbench %1</b>").arg(programVersion()));
    box.setInformativeText(
        QObject::tr("Plans, runs and compares schedules for training a student network beside its teacher.<br><br>"
                    "Qt %1 (built with %2)<br>QCustomPlot %3<br>SQLite %4<br><br>"
                    "Licence: GNU General Public License, version 3 or later.")
            .arg(QString::fromLatin1(qVersion()), QStringLiteral(QT_VERSION_STR), QStringLiteral(QCUSTOMPLOT_VERSION_STR),
                QString::fromStdString(store::sqlite_version())));
    box.exec();
}

} // namespace pipebd::gui
