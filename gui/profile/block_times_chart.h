// BlockTimesChart: a group of bars a block: teacher forward, student forward and backward, update, for one batch size. Error bars
// span the spread of the repeats around the time.
#pragma once

#include "gui/profile/block_chart.h"

namespace pipebd::gui {

class BlockTimesChart : public BlockChart {
    Q_OBJECT

public:
    explicit BlockTimesChart(QWidget* parent = nullptr);

signals:
    void blockClicked(int block);

protected:
    void rebuild() override;
    QString linesOf(const schedule::BlockProfile& block) const override;
};

} // namespace pipebd::gui
