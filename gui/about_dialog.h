// AboutDialog: what this program is, the versions of what it is made of, and the licences of all of that.
#pragma once

#include <QDialog>

class QLabel;

namespace pipebd::gui {

class FoundDevices;

class AboutDialog : public QDialog {
    Q_OBJECT

public:
    /// Shows LibTorch's version when `devices` knows it.
    explicit AboutDialog(const FoundDevices& devices, QWidget* parent = nullptr);

private:
    QWidget* buildLicences();
    void showVersions(const FoundDevices& devices);

    QLabel* m_versions;
};

} // namespace pipebd::gui
