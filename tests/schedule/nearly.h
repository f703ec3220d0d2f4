// Numbers that are equal but for rounding.
#pragma once

#include <QString>

#include <algorithm>
#include <cmath>

namespace pipebd::schedule::test {

inline bool near(double a, double b)
{
    return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

#define COMPARE_NEAR(a, b) QVERIFY2(near(a, b), qPrintable(QString("%1 is not %2").arg(a, 0, 'g', 17).arg(b, 0, 'g', 17)))

} // namespace pipebd::schedule::test
