// BatchTimesChart: times over batch sizes, of one block or of all together; a symbol a kind of time, a dash pattern a profile.
#pragma once

#include "gui/profile/profile_chart.h"

namespace pipebd::gui {

class BatchTimesChart : public ProfileChart {
    Q_OBJECT

public:
    explicit BatchTimesChart(QWidget* parent = nullptr);

    void showProfiles(ShownProfiles profiles, int block); // -1: all blocks
    void setLogarithmic(bool on); // both axes

protected:
    void rebuild() override;
    QString readout(const QPointF& position) const override;

private:
    int m_block = -1;
    bool m_logarithmic = false;
};

} // namespace pipebd::gui
