// BlockChart: bars at each block, for one batch size; further profiles have bars beside them.
#pragma once

#include "gui/profile/profile_chart.h"

namespace pipebd::gui {

class BlockChart : public ProfileChart {
    Q_OBJECT

public:
    /// `samples`: of the batch; 0 if there is nothing to show.
    void showProfiles(ShownProfiles profiles, int samples);

protected:
    /// `withSamples`: the title with a place for the size of the batch.
    BlockChart(const QString& title, const QString& withSamples, QWidget* parent);

    /// What the readout says of a block: lines, each after a line break.
    virtual QString linesOf(const schedule::BlockProfile& block) const = 0;

    int samples() const { return m_samples; }
    QCPBars* addBars(const QString& letter, const QColor& colour, std::size_t profile);
    /// To be called last: the rest of the legend, and the axes for values up to `most`; up to `otherwise` if that is 0.
    void finish(double most, double otherwise);

    QString readout(const QPointF& position) const override;

private:
    QString m_plainTitle;
    QString m_withSamples;
    int m_samples = 0;
};

} // namespace pipebd::gui
