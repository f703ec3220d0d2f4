// BlockTimesChart: a group of bars a block: teacher forward, student forward and backward, update, for one batch size. Error bars
// span the spread of the repeats around the time.
#pragma once

#include "gui/profile/profile_chart.h"

namespace pipebd::gui {

class BlockTimesChart : public ProfileChart {
    Q_OBJECT

public:
    explicit BlockTimesChart(QWidget* parent = nullptr);

    void showProfiles(ShownProfiles profiles, int samples);

signals:
    void blockClicked(int block);

protected:
    void rebuild() override;
    QString readout(const QPointF& position) const override;

private:
    int m_samples = 0;
};

} // namespace pipebd::gui
