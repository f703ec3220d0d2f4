#include "gui/profile/block_times_chart.h"

#include "gui/kit/number_text.h"

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr double timesGroupWidth = 0.84; // of the distance between blocks

} // namespace

BlockTimesChart::BlockTimesChart(QWidget* parent)
    : ProfileChart(tr("Time per block"), parent)
{
    setObjectName(QStringLiteral("blockTimesChart"));
    axisRect()->setRangeDrag(Qt::Horizontal);
    axisRect()->setRangeZoom(Qt::Horizontal);
    connect(this, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
        if (const int block = blockAt(xAxis->pixelToCoord(event->pos().x()));
            block >= 0 && axisRect()->rect().contains(event->pos()))
            emit blockClicked(block);
    });
}

void BlockTimesChart::showProfiles(ShownProfiles profiles, int samples)
{
    keep(std::move(profiles));
    m_samples = samples;
    setTitle(samples > 0 ? tr("Time per block · %1 samples · ms").arg(QLocale().toString(samples)) : tr("Time per block"));
    redraw();
}

void BlockTimesChart::rebuild()
{
    // Bars of one kind stand together, one of each profile.
    const std::size_t kinds = std::size(timeKinds);
    const double width = timesGroupWidth / static_cast<double>(kinds * std::max<std::size_t>(1, profiles().size()));
    double most = 0;
    for (const TimeKind kind : timeKinds)
        addKindToLegend(QStringLiteral("%1 %2").arg(letterOf(kind), nameOf(kind)), colourOf(kind));
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        for (const TimeKind kind : timeKinds) {
            const std::size_t place = static_cast<std::size_t>(kind) * profiles().size() + i;
            const double offset = (static_cast<double>(place) + 0.5) * width - timesGroupWidth / 2;
            QVector<double> keys, times, below, above;
            const std::vector<schedule::BlockProfile>& blocks = profiles()[i].profile->blocks;
            for (std::size_t block = 0; block < blocks.size(); ++block) {
                const std::optional<double> time = timeOf(blocks[block], kind, m_samples);
                if (!time)
                    continue;
                const double reach = *time * spreadOf(blocks[block], kind, m_samples).value_or(0) / 2;
                keys << static_cast<double>(block) + offset;
                times << *time;
                below << std::min(reach, *time);
                above << reach;
                most = std::max(most, *time + std::min(reach, *time)); // a wild spread does not flatten the bars
            }
            auto* bars = new LetteredBars(*this, letterOf(kind));
            bars->setWidth(width * 0.92);
            bars->setBrush(brushOf(colourOf(kind), i));
            bars->setPen(QPen(colourOf(kind).darker(150)));
            bars->setData(keys, times, true);
            bars->removeFromLegend();
            auto* spread = new QCPErrorBars(xAxis, yAxis);
            spread->setDataPlottable(bars);
            spread->setData(below, above);
            spread->setPen(QPen(palette().color(QPalette::Text), 1));
            spread->setWhiskerWidth(5);
            spread->setSymbolGap(0);
            spread->removeFromLegend();
        }
    }
    if (profiles().size() > 1)
        addProfilesToLegend(false);
    labelBlocks();
    yAxis->setRange(0, most > 0 ? most * 1.06 : 1);
}

QString BlockTimesChart::readout(const QPointF& position) const
{
    const int block = blockAt(xAxis->pixelToCoord(position.x()));
    if (block < 0)
        return {};
    QString says = tr("Block %1: %2, %3 samples").arg(QString::number(block), blockName(block), QLocale().toString(m_samples));
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        const std::vector<schedule::BlockProfile>& blocks = profiles()[i].profile->blocks;
        if (block >= static_cast<int>(blocks.size()))
            continue;
        QString lines;
        for (const TimeKind kind : timeKinds)
            if (const std::optional<double> time = timeOf(blocks[static_cast<std::size_t>(block)], kind, m_samples)) {
                lines += QStringLiteral("\n%1 %2: %3").arg(letterOf(kind), nameOf(kind), millisecondsText(*time));
                if (const auto spread = spreadOf(blocks[static_cast<std::size_t>(block)], kind, m_samples))
                    lines += tr(" (p10 to p90 span %1 %)").arg(QLocale().toString(100 * *spread, 'f', 0));
            }
        const QString whose = prefixOf(i);
        says += QLatin1Char('\n') + (whose.isEmpty() ? lines.mid(1) : whose.chopped(1) + lines);
    }
    return says;
}

} // namespace pipebd::gui
