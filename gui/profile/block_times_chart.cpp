#include "gui/profile/block_times_chart.h"

#include "gui/kit/number_text.h"

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr double timesGroupWidth = 0.84; // of the distance between blocks

} // namespace

BlockTimesChart::BlockTimesChart(QWidget* parent)
    : BlockChart(tr("Time per block"), tr("Time per block · %1 samples · ms"), parent)
{
    setObjectName(QStringLiteral("blockTimesChart"));
    connect(this, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
        if (const int block = blockAt(xAxis->pixelToCoord(event->pos().x()));
            block >= 0 && axisRect()->rect().contains(event->pos()))
            emit blockClicked(block);
    });
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
                const std::optional<double> time = timeOf(blocks[block], kind, samples());
                if (!time)
                    continue;
                const double reach = *time * spreadOf(blocks[block], kind, samples()).value_or(0) / 2;
                keys << static_cast<double>(block) + offset;
                times << *time;
                below << std::min(reach, *time);
                above << reach;
                most = std::max(most, *time + std::min(reach, *time)); // a wild spread does not flatten the bars
            }
            QCPBars* bars = addBars(letterOf(kind), colourOf(kind), i);
            bars->setWidth(width * 0.92);
            bars->setData(keys, times, true);
            auto* spread = new QCPErrorBars(xAxis, yAxis);
            spread->setDataPlottable(bars);
            spread->setData(below, above);
            spread->setPen(QPen(palette().color(QPalette::Text), 1));
            spread->setWhiskerWidth(5);
            spread->setSymbolGap(0);
            spread->removeFromLegend();
        }
    }
    finish(most, 1);
}

QString BlockTimesChart::linesOf(const schedule::BlockProfile& block) const
{
    QString lines;
    for (const TimeKind kind : timeKinds)
        if (const std::optional<double> time = timeOf(block, kind, samples())) {
            lines += QStringLiteral("\n%1 %2: %3").arg(letterOf(kind), nameOf(kind), millisecondsText(*time));
            if (const auto spread = spreadOf(block, kind, samples()))
                lines += tr(" (p10 to p90 span %1 %)").arg(QLocale().toString(100 * *spread, 'f', 0));
        }
    return lines;
}

} // namespace pipebd::gui
