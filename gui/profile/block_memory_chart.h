// BlockMemoryChart: what training each block holds on one device for one batch size, stacked: weights of teacher and student,
// gradients, optimizer, and what grows with the batch.
#pragma once

#include "gui/profile/block_chart.h"

namespace pipebd::gui {

class BlockMemoryChart : public BlockChart {
    Q_OBJECT

public:
    explicit BlockMemoryChart(QWidget* parent = nullptr);

protected:
    void rebuild() override;
    QString linesOf(const schedule::BlockProfile& block) const override;
};

} // namespace pipebd::gui
