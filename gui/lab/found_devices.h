// FoundDevices: what `pipebd doctor` finds on this computer, asked once and in the background. GUI thread.
#pragma once

#include "gui/lab/pipebd_process.h"

#include <QObject>
#include <QString>

#include <vector>

namespace pipebd::gui {

struct FoundDevice {
    QString name; // "cpu", "cuda:0"
    QString description; // "NVIDIA H200, 139.8 GiB"
    int cores = 0; // of the CPU
};

class FoundDevices : public QObject {
    Q_OBJECT

public:
    explicit FoundDevices(QObject* parent = nullptr);

    /// Asks unless it is being asked or is known.
    void look(const QString& lab);
    bool isKnown() const { return m_known; }

    const std::vector<FoundDevice>& devices() const { return m_devices; }
    const QString& libTorch() const { return m_libTorch; } // its version; empty if not known
    const QString& problem() const { return m_problem; } // one line; empty if there is none

    QString shortText() const; // "2 GPUs, 16 cores"
    QString longText() const; // a line a device

signals:
    void changed();

private:
    void take(const QByteArray& answer);

    PipebdProcess m_process;
    std::vector<FoundDevice> m_devices;
    QString m_libTorch;
    QString m_problem;
    bool m_known = false;
};

} // namespace pipebd::gui
