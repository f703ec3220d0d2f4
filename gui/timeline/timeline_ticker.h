// Milliseconds on an axis, with as many decimals as the ticks need.
#pragma once

#include <qcustomplot.h>

#include <cmath>

namespace pipebd::gui {

class MillisecondsTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override { return m_step = QCPAxisTicker::getTickStep(range); }

    QString getTickLabel(double tick, const QLocale& locale, QChar, int) override
    {
        int decimals = 0;
        for (double step = m_step; decimals < 9 && std::abs(step - std::round(step)) > 1e-6 * step; step *= 10)
            ++decimals;
        return locale.toString(std::abs(tick) < m_step * 1e-6 ? 0.0 : tick, 'f', decimals);
    }

private:
    double m_step = 1;
};

} // namespace pipebd::gui
