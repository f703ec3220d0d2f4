// StartDialog: what to train, from an experiment file or from a run that broke off, and what is to be other than that says; looked
// at as it is typed, and checked by pipebd before it is started.
//
// Files are read in the background: what cannot be started as far as they tell cannot be accepted. Accepting does not wait for
// pipebd's check, but what that has refused cannot be accepted either.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/launcher.h"
#include "gui/start/start_check.h"
#include "gui/start/start_choice.h"
#include "gui/start/start_reading.h"

#include <QDialog>

class QComboBox;
class QDialogButtonBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QMimeData;
class QPushButton;

namespace pipebd::gui {

class CommandStrip;
class DevicePicker;
class FoundDevices;
class OverridesTable;
class Settings;

class StartDialog : public QDialog {
    Q_OBJECT

public:
    /// `devices` outlives it.
    StartDialog(Settings& settings, const std::filesystem::path& lab, FoundDevices& devices, QWidget* parent = nullptr);
    ~StartDialog() override;

    void setFile(const QString& file);
    /// Fills the dialog in; what `request` leaves empty stays as the file says.
    void setRequest(const StartRequest& request);

    /// What the user asks for; valid while the Start button is enabled.
    StartRequest request() const;
    QString error() const; // empty if the experiment can be started, as far as is known

    /// What was typed last has been read.
    bool isRead() const { return !m_reading.isBusy(); }
    /// And pipebd has answered.
    bool isChecked() const { return isRead() && !m_check.isBusy(); }

    /// Waits for what is being read, and for nothing else.
    void accept() override;

signals:
    void read();
    void checked();

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void layOut();
    void connectCheck();
    QWidget* buildSource();
    QWidget* buildFields();
    void nameFields();
    void fillLists();
    void connectFields();
    QWidget* buildSummary();
    QWidget* buildOverrides();
    void browse();
    void browseProfile();
    void fileChanged();
    void fieldChanged();
    void take(const StartReading& reading);
    void fillFromFile(const StartReading& reading);
    void enableFields(bool usable);
    void fillCheckpoints(const std::vector<StartReading::Checkpoint>& checkpoints);
    void fillStages(const QStringList& stages);
    void showSummary(const experiment::Experiment& experiment);
    void showError(const QString& error);
    void showCheck(const QString& words);
    void enableStart();
    void setRowVisible(QWidget* field, bool visible);
    StartFields fields() const;

    Settings& m_settings;
    std::filesystem::path m_lab;
    FoundDevices& m_devicesFound;
    QWidget* m_source = nullptr; // the row of the file
    QComboBox* m_file;
    QLabel* m_summary;
    QLabel* m_error;
    QLabel* m_checked;
    QLineEdit* m_name;
    QComboBox* m_checkpoint;
    QComboBox* m_strategy;
    QLabel* m_stagesByHand;
    QPushButton* m_withoutStages;
    QLineEdit* m_devices;
    DevicePicker* m_picker;
    QComboBox* m_lengthUnit;
    QLineEdit* m_length;
    QLineEdit* m_profile;
    QComboBox* m_stage;
    QLineEdit* m_from;
    OverridesTable* m_overrides;
    CommandStrip* m_command;
    QDialogButtonBox* m_buttons;
    QFormLayout* m_form = nullptr;

    StartChoice m_choice;
    Background<StartReading> m_reading;
    StartCheck m_check;
};

} // namespace pipebd::gui
