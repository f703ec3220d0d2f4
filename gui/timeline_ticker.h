// Milliseconds on an axis, with as many decimals as the ticks need.
#pragma once

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

class MillisecondsTicker : public QCPAxisTicker {
protected:
    double getTickStep(const QCPRange& range) override { return m_step = QCPAxisTicker::getTickStep(range); }

    QString getTickLabel(double tick, const QLocale& locale, QChar, int) override
    {
        const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(m_step) - 1e-9)), 0, 9);
        return locale.toString(std::abs(tick) < m_step * 1e-6 ? 0.0 : tick, 'f', decimals);
    }

private:
    double m_step = 1;
};

} // namespace pipebd::gui
