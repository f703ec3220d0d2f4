// StartCheck: has pipebd check what is to be started, once nothing has changed for a moment. GUI thread.
#pragma once

#include "gui/lab/launcher.h"
#include "gui/lab/pipebd_process.h"

#include <QObject>
#include <QString>
#include <QTimer>

namespace pipebd::gui {

class StartCheck : public QObject {
    Q_OBJECT

public:
    explicit StartCheck(QString lab, QObject* parent = nullptr);

    /// What was asked before is forgotten.
    void ask(const StartRequest& request);
    void forget();
    bool isBusy() const { return m_rest.isActive() || m_process.isRunning(); }

signals:
    void began();
    void agreed(const QString& words); // "400 steps of 64, ..."
    void refused(const QString& error); // one line

private:
    void begin();
    void take(const QByteArray& answer);

    QString m_lab;
    StartRequest m_request;
    QTimer m_rest;
    PipebdProcess m_process;
};

} // namespace pipebd::gui
