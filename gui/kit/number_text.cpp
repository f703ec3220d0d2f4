#include "gui/kit/number_text.h"

#include <QCoreApplication>
#include <QLocale>

#include <cmath>
#include <iterator>

namespace pipebd::gui {

QString millisecondsText(double milliseconds)
{
    if (!(milliseconds > 0))
        return QStringLiteral("–");
    if (milliseconds >= 10000)
        return QCoreApplication::translate("RunText", "%1 s").arg(QLocale().toString(milliseconds / 1000, 'f', 1));
    return QCoreApplication::translate("RunText", "%1 ms")
        .arg(QLocale().toString(milliseconds, 'f',
            milliseconds < 10         ? 2
                : milliseconds < 1000 ? 1
                                      : 0));
}

QString signedText(double value, int decimals)
{
    const QString size = QLocale().toString(std::abs(value), 'f', decimals);
    if (std::llround(std::abs(value) * std::pow(10, decimals)) == 0)
        return size;
    return (value < 0 ? QStringLiteral("−") : QStringLiteral("+")) + size;
}

QString countText(std::int64_t count)
{
    if (count < 1000)
        return QLocale().toString(qint64(count));
    static constexpr const char* units[] = {"k", "M", "G", "T", "P"};
    double value = static_cast<double>(count) / 1000;
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < std::size(units)) {
        value /= 1000;
        ++unit;
    }
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return QStringLiteral("%1 %2").arg(QLocale().toString(value, 'f', decimals), QLatin1String(units[unit]));
}

QString bytesText(std::int64_t bytes)
{
    return QLocale().formattedDataSize(bytes, bytes < 1024 ? 0 : 1, QLocale::DataSizeIecFormat);
}

} // namespace pipebd::gui
