#include "gui/kit/error_text.h"
#include "gui/lab/found_devices.h"
#include "gui/main_window.h"

#include <QMessageBox>
#include <QStatusBar>
#include <QToolButton>

namespace pipebd::gui {

void MainWindow::createStatusBar()
{
    statusBar()->setSizeGripEnabled(false);
    m_labButton = new QToolButton(this);
    m_labButton->setObjectName(QStringLiteral("labButton"));
    m_labButton->setAccessibleName(tr("Lab"));
    m_labButton->setStatusTip(tr("Show the runs of another lab folder"));
    connect(m_labButton, &QToolButton::clicked, this, &MainWindow::chooseLab);
    m_devicesButton = new QToolButton(this);
    m_devicesButton->setObjectName(QStringLiteral("devicesButton"));
    m_devicesButton->setAccessibleName(tr("Devices found"));
    m_devicesButton->setStatusTip(tr("What pipebd doctor found on this computer"));
    connect(m_devicesButton, &QToolButton::clicked, this, &MainWindow::showDevices);
    for (QToolButton* button : {m_labButton, m_devicesButton}) {
        button->setAutoRaise(true);
        statusBar()->addPermanentWidget(button);
    }
    const auto tell = [this] {
        m_devicesButton->setText(m_devices->shortText());
        m_devicesButton->setToolTip(m_devices->longText());
    };
    connect(m_devices, &FoundDevices::changed, this, tell);
    tell();
}

void MainWindow::showDevices()
{
    m_devices->look(toQString(m_lab)); // again, if it failed
    auto* box = new QMessageBox(QMessageBox::Information, tr("Devices"),
        m_devices->longText().isEmpty() ? m_devices->shortText() : m_devices->longText(), QMessageBox::Ok, this);
    box->setObjectName(QStringLiteral("devicesBox"));
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    connect(m_devices, &FoundDevices::changed, box, [this, box] { box->setText(m_devices->longText()); });
    box->open();
}

} // namespace pipebd::gui
