// StartDialog: chooses an experiment file, shows what it says, and lets the user overrule some of it before it is started.
#pragma once

#include "experiment/experiment.h"
#include "gui/launcher.h"

#include <QDialog>

#include <optional>

class QComboBox;
class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QMimeData;

namespace pipebd::gui {

class Settings;

class StartDialog : public QDialog {
    Q_OBJECT

public:
    explicit StartDialog(Settings& settings, QWidget* parent = nullptr);

    void setFile(const QString& file);
    /// Fills the dialog in; what `request` leaves empty stays as the file says.
    void setRequest(const StartRequest& request);

    /// What the user asks for; valid while the Start button is enabled.
    StartRequest request() const;
    QString error() const; // empty if the experiment can be started

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void browse();
    void readFile();
    void check();
    void showSummary(const experiment::Experiment& experiment);
    void showError(const QString& error);
    QStringList overrides() const;

    Settings& m_settings;
    QComboBox* m_file;
    QLabel* m_summary;
    QLabel* m_error;
    QLineEdit* m_name;
    QComboBox* m_strategy;
    QLineEdit* m_devices;
    QComboBox* m_lengthUnit;
    QLineEdit* m_length;
    QDialogButtonBox* m_buttons;
    std::optional<experiment::Experiment> m_asInFile;
    QStringList m_furtherSettings; // of a request, which no field shows
};

/// The first dropped or pasted local file, empty if there is none.
QString firstLocalFile(const QMimeData& data);

} // namespace pipebd::gui
