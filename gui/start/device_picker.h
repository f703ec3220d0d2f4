// DevicePicker: the devices that were found, to be ticked; beside a field in which the same list can be typed.
#pragma once

#include "gui/lab/found_devices.h"

#include <QWidget>

#include <vector>

class QCheckBox;
class QGridLayout;
class QLabel;
class QSpinBox;

namespace pipebd::gui {

class DevicePicker : public QWidget {
    Q_OBJECT

public:
    explicit DevicePicker(QWidget* parent = nullptr);

    void setDevices(const FoundDevices& found);
    /// Ticks what `list` names, as far as it can be ticked; says nothing.
    void setText(const QString& list);

signals:
    void picked(const QString& list); // "cuda:0,cuda:1", "cpu@4,cpu@4"; by the user

private:
    void announce();

    QGridLayout* m_layout;
    QLabel* m_note;
    QWidget* m_cpu;
    QSpinBox* m_ranks;
    QSpinBox* m_threads;
    std::vector<QCheckBox*> m_gpus;
};

} // namespace pipebd::gui
