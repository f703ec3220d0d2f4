#include "gui/charts/chart_ticker.h"

#include "base/units.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>
#include <cmath>

namespace pipebd::gui {

double BytesTicker::getTickStep(const QCPRange& range)
{
    const double wanted = range.size() / std::max(1, mTickCount);
    return std::exp2(std::ceil(std::log2(std::max(wanted, 1.0))));
}

QString BytesTicker::getTickLabel(double tick, const QLocale&, QChar, int)
{
    return QString::fromStdString(format_bytes(std::llround(tick))).remove(QStringLiteral(".0"));
}

QString PercentTicker::getTickLabel(double tick, const QLocale& locale, QChar, int)
{
    return QCoreApplication::translate("PercentTicker", "%1 %").arg(locale.toString(100 * tick, 'g', 3));
}

double DurationTicker::getTickStep(const QCPRange& range)
{
    static constexpr std::array steps{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400};
    const double wanted = range.size() / std::max(1, mTickCount);
    if (wanted < 1)
        return cleanMantissa(wanted);
    const auto step = std::lower_bound(steps.begin(), steps.end(), wanted);
    return step == steps.end() ? cleanMantissa(wanted / 86400) * 86400 : *step;
}

QString DurationTicker::getTickLabel(double tick, const QLocale& locale, QChar, int)
{
    if (std::abs(tick) < 60)
        return QStringLiteral("%1 s").arg(locale.toString(tick, 'g', 4));
    const qint64 seconds = std::llround(std::abs(tick));
    const QString sign = tick < 0 ? QStringLiteral("-") : QString();
    const QString rest = QStringLiteral("%1:%2")
                             .arg(seconds / 60 % 60, seconds >= 3600 ? 2 : 1, 10, QLatin1Char('0'))
                             .arg(seconds % 60, 2, 10, QLatin1Char('0'));
    return seconds >= 3600 ? QStringLiteral("%1%2:%3").arg(sign).arg(seconds / 3600).arg(rest) : sign + rest;
}

QVector<double> ClockTicker::createTickVector(double tickStep, const QCPRange& range)
{
    m_step = tickStep;
    return QCPAxisTickerDateTime::createTickVector(tickStep, range);
}

QString ClockTicker::getTickLabel(double tick, const QLocale& locale, QChar, int)
{
    const QDateTime time = keyToDateTime(tick);
    if (m_step >= 86400)
        return locale.toString(time.date(), QLocale::ShortFormat);
    const QString clock = time.toString(m_step < 60 ? QStringLiteral("hh:mm:ss") : QStringLiteral("hh:mm"));
    return keyToDateTime(tick - m_step).date() == time.date()
        ? clock
        : locale.toString(time.date(), QLocale::ShortFormat) + QLatin1Char('\n') + clock;
}

double StepTicker::getTickStep(const QCPRange& range)
{
    return std::max(1.0, QCPAxisTicker::getTickStep(range));
}

int StepTicker::getSubTickCount(double tickStep)
{
    return tickStep < 2 ? 0 : QCPAxisTicker::getSubTickCount(tickStep);
}

QVector<double> DecadeTicker::createTickVector(double tickStep, const QCPRange& range)
{
    if (range.lower <= 0 || range.upper <= 0 || range.upper / range.lower < 3.2)
        return QCPAxisTicker::createTickVector(tickStep, range);
    const double decades = std::log10(range.upper / range.lower);
    const QVector<double> mantissas = decades < 3 ? QVector<double>{1, 2, 5} : QVector<double>{1};
    const int every = std::max(1, static_cast<int>(std::ceil(decades / 8)));
    QVector<double> ticks;
    for (int exponent = static_cast<int>(std::floor(std::log10(range.lower))); exponent <= std::log10(range.upper); ++exponent)
        if (exponent % every == 0)
            for (const double mantissa : mantissas)
                ticks << mantissa * std::pow(10.0, exponent);
    return ticks;
}

QVector<double> DecadeTicker::createSubTickVector(int, const QVector<double>&)
{
    return {};
}

QString DecadeTicker::getTickLabel(double tick, const QLocale& locale, QChar, int)
{
    return locale.toString(tick, 'g', 4);
}

} // namespace pipebd::gui
