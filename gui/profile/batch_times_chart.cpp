#include "gui/profile/batch_times_chart.h"

#include "gui/charts/chart_ticker.h"
#include "gui/kit/number_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace pipebd::gui {

namespace {

constexpr std::array symbols{
    QCPScatterStyle::ssDisc, QCPScatterStyle::ssSquare, QCPScatterStyle::ssTriangle, QCPScatterStyle::ssDiamond};

} // namespace

BatchTimesChart::BatchTimesChart(QWidget* parent)
    : ProfileChart(tr("Time over batch size"), parent)
{
    setObjectName(QStringLiteral("batchTimesChart"));
    xAxis->setLabel(tr("samples"));
}

void BatchTimesChart::showProfiles(ShownProfiles profiles, int block)
{
    keep(std::move(profiles));
    m_block = block;
    redraw();
}

void BatchTimesChart::setLogarithmic(bool on)
{
    m_logarithmic = on;
    redraw();
}

void BatchTimesChart::rebuild()
{
    setTitle(m_block < 0 ? tr("Over batch size · all blocks · ms") : tr("Over batch size · %1 · ms").arg(blockName(m_block)));
    const QSharedPointer<QCPAxisTickerText> sizes(new QCPAxisTickerText);
    double least = std::numeric_limits<double>::infinity();
    double most = 0;
    int smallest = std::numeric_limits<int>::max();
    int largest = 0;
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        for (const TimeKind kind : timeKinds) {
            const schedule::Profile& profile = *profiles()[i].profile;
            QVector<double> keys, times;
            for (const int samples : measuredSizes(profile)) {
                const std::optional<double> time = timeOf(profile, kind, samples, m_block);
                if (!time || m_block >= static_cast<int>(profile.blocks.size()))
                    continue;
                keys << samples;
                times << *time;
                sizes->addTick(samples, QLocale().toString(samples));
                smallest = std::min(smallest, samples);
                largest = std::max(largest, samples);
                most = std::max(most, *time);
                if (*time > 0)
                    least = std::min(least, *time);
            }
            const std::size_t place = static_cast<std::size_t>(kind);
            const QColor colour = kind == TimeKind::Update ? colourOf(kind).darker(115) : colourOf(kind);
            QCPGraph* line = addGraph();
            line->setData(keys, times, true);
            line->setPen(QPen(colour, 1.8, dashOf(i)));
            line->setScatterStyle(QCPScatterStyle(symbols[place], QPen(colour.darker(130)), QBrush(colour), 8));
            line->setName(QStringLiteral("%1 %2").arg(letterOf(kind), nameOf(kind)));
            if (i > 0)
                line->removeFromLegend();
        }
    }
    if (profiles().size() > 1)
        addProfilesToLegend(true);
    for (QCPAxis* axis : {xAxis, yAxis})
        axis->setScaleType(m_logarithmic ? QCPAxis::stLogarithmic : QCPAxis::stLinear);
    xAxis->setTicker(sizes);
    yAxis->setTicker(
        m_logarithmic ? QSharedPointer<QCPAxisTicker>(new DecadeTicker) : QSharedPointer<QCPAxisTicker>(new QCPAxisTicker));
    yAxis->setNumberFormat(QStringLiteral("g"));
    if (largest == 0) {
        xAxis->setRange(1, 64);
        yAxis->setRange(m_logarithmic ? 0.1 : 0, 1);
    } else if (m_logarithmic) {
        xAxis->setRange(smallest / 1.25, largest * 1.25);
        yAxis->setRange(std::min(least, most) / 1.5, most * 1.5);
    } else {
        xAxis->setRange(0, largest * 1.06);
        yAxis->setRange(0, most > 0 ? most * 1.08 : 1);
    }
}

QString BatchTimesChart::readout(const QPointF& position) const
{
    const double key = xAxis->pixelToCoord(position.x());
    int nearest = 0;
    for (const ShownProfile& shown : profiles())
        for (const int samples : measuredSizes(*shown.profile))
            if (nearest == 0 || std::abs(samples - key) < std::abs(nearest - key))
                nearest = samples;
    if (nearest == 0)
        return {};
    QString says = tr("%1 samples, %2").arg(QLocale().toString(nearest), m_block < 0 ? tr("all blocks") : blockName(m_block));
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        const QString whose = prefixOf(i);
        if (!whose.isEmpty())
            says += QLatin1Char('\n') + whose.chopped(1);
        for (const TimeKind kind : timeKinds)
            if (const auto time = timeOf(*profiles()[i].profile, kind, nearest, m_block))
                says += QStringLiteral("\n%1 %2: %3").arg(letterOf(kind), nameOf(kind), millisecondsText(*time));
    }
    return says;
}

} // namespace pipebd::gui
