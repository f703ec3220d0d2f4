// MeasureDialog: asks what is to be measured on which devices, has pipebd measure it, and tells how far it has come.
//
// pipebd stores the profile in the lab itself. Closing the dialog ends the measuring.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/pipebd_process.h"

#include <QDialog>

class QComboBox;
class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QProgressBar;
class QPushButton;
class QRadioButton;
class QSpinBox;

namespace pipebd::gui {

class Settings;

class MeasureDialog : public QDialog {
    Q_OBJECT

public:
    MeasureDialog(Settings& settings, QString lab, QWidget* parent = nullptr);

    void setPair(const QString& pair);
    void setExperiment(const QString& file);
    bool isMeasuring() const { return m_measuring.isRunning() || m_finding.isBusy(); }
    QString error() const;

    /// What follows "pipebd" for what is asked for, with `experiment` as its file.
    QStringList arguments(const QString& experiment) const;

signals:
    void measured(const QString& profileId); // it is stored; the dialog closes

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void dressFields();
    void dressAnswers();
    void layOut();
    void connectFields();
    void connectMeasuring();
    void askPipebd();
    void takePairs(const QStringList& pairs);
    void takeDevices(const QByteArray& doctor);
    void addDevice(const QString& device);
    void browse();
    void check();
    void measure();
    void found(const QByteArray& profile);
    void showError(const QString& error);
    void showState();

    Settings& m_settings;
    QString m_lab;
    QString m_wantedPair;
    bool m_devicesFit = true;
    PipebdProcess m_listing;
    PipebdProcess m_doctor;
    PipebdProcess m_measuring;
    Background<QStringList> m_readingPairs;
    Background<QString> m_finding; // the id of what was measured

    QRadioButton* m_byPair;
    QComboBox* m_pair;
    QRadioButton* m_byExperiment;
    QComboBox* m_experiment;
    QPushButton* m_browse;
    QLineEdit* m_devices;
    QListWidget* m_found;
    QLabel* m_foundSays;
    QSpinBox* m_batch;
    QLineEdit* m_sizes;
    QProgressBar* m_bar;
    QLabel* m_says;
    QLabel* m_error;
    QLabel* m_command;
    QDialogButtonBox* m_buttons;
    QPushButton* m_start;
    QPushButton* m_cancel;
};

} // namespace pipebd::gui
