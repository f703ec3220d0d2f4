// WhatIfPanel: what schedules are planned for: devices, batch, memory, links, and what pipelines are made of.
#pragma once

#include "schedule/strategies.h"
#include "schedule/what_if.h"

#include <QStringList>
#include <QWidget>

#include <memory>

class QCheckBox;
class QComboBox;
class QGroupBox;
class QLabel;
class QSlider;
class QSpinBox;

namespace pipebd::gui {

class OptionalSlider;

class WhatIfPanel : public QWidget {
    Q_OBJECT

public:
    explicit WhatIfPanel(QWidget* parent = nullptr);

    /// What is measured: starts of sliders and words for what is not supposed.
    void setProfile(const schedule::Profile& profile, int devices);

    int devices() const;
    void setDevices(int devices);
    schedule::WhatIf whatIf() const;
    bool wantsEndToEnd() const;
    std::vector<std::string> strategies() const;
    schedule::PipelineOptions pipeline() const;
    int steps() const; // that timelines show

    /// The options of `pipebd plan` that say the same.
    QStringList options() const;

    void reset(); // everything as measured

signals:
    void changed();

private:
    QLayout* buildDevices();
    QLayout* buildSteps();
    QWidget* buildPipeline();
    void say();

    QSlider* m_devices;
    QSpinBox* m_devicesBox;
    OptionalSlider* m_batch;
    OptionalSlider* m_memory;
    OptionalSlider* m_link;
    OptionalSlider* m_speed;
    QSpinBox* m_steps;
    QGroupBox* m_endToEnd;
    QSpinBox* m_microbatches;
    QSpinBox* m_backwardSplit;
    QSpinBox* m_views;
    QComboBox* m_teacher;
    int m_measuredDevices = 2;
};

} // namespace pipebd::gui
