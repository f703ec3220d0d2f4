// BlockMemoryChart: what training each block holds on one device for one batch size, stacked: weights of teacher and student,
// gradients, optimizer, and what grows with the batch.
#pragma once

#include "gui/profile/profile_chart.h"

namespace pipebd::gui {

class BlockMemoryChart : public ProfileChart {
    Q_OBJECT

public:
    explicit BlockMemoryChart(QWidget* parent = nullptr);

    void showProfiles(ShownProfiles profiles, int samples);

protected:
    void rebuild() override;
    QString readout(const QPointF& position) const override;

private:
    int m_samples = 0;
};

} // namespace pipebd::gui
