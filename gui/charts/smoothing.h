// Smoothing as experiment trackers have it: an exponential moving mean, divided by the weight it has gathered, so that the first
// values are not drawn towards zero.
#pragma once

#include <cmath>

namespace pipebd::gui {

class DebiasedMean {
public:
    /// `weight` of the past, 0 (no smoothing) to below 1.
    explicit DebiasedMean(double weight)
        : m_weight(weight)
    {
    }

    /// The mean with `value` taken in. A value that is not finite is passed through and not remembered.
    double next(double value)
    {
        if (!std::isfinite(value))
            return value;
        m_sum = m_weight * m_sum + (1 - m_weight) * value;
        m_gathered = m_weight * m_gathered + (1 - m_weight);
        return m_sum / m_gathered;
    }

private:
    double m_weight;
    double m_sum = 0;
    double m_gathered = 0;
};

} // namespace pipebd::gui
