#include "gui/profile/block_memory_chart.h"

#include "gui/charts/chart_ticker.h"
#include "gui/kit/number_text.h"
#include "gui/pairs/pair_description.h"

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr double memoryGroupWidth = 0.7;

} // namespace

BlockMemoryChart::BlockMemoryChart(QWidget* parent)
    : BlockChart(tr("Memory per block"), tr("Memory per block · %1 samples"), parent)
{
    setObjectName(QStringLiteral("blockMemoryChart"));
    yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new BytesTicker));
}

void BlockMemoryChart::rebuild()
{
    const double width = memoryGroupWidth / static_cast<double>(std::max<std::size_t>(1, profiles().size()));
    for (const MemoryKind kind : memoryKinds)
        addKindToLegend(QStringLiteral("%1 %2").arg(letterOf(kind), nameOf(kind)), colourOf(kind));
    double most = 0;
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        const std::vector<schedule::BlockProfile>& blocks = profiles()[i].profile->blocks;
        const double offset = (static_cast<double>(i) + 0.5) * width - memoryGroupWidth / 2;
        QCPBars* below = nullptr;
        for (const MemoryKind kind : memoryKinds) {
            QVector<double> keys, bytes;
            for (std::size_t block = 0; block < blocks.size(); ++block) {
                keys << static_cast<double>(block) + offset;
                bytes << memoryOf(blocks[block], kind, samples());
            }
            QCPBars* bars = addBars(letterOf(kind), colourOf(kind), i);
            bars->setWidth(width * 0.92);
            bars->setData(keys, bytes, true);
            if (below)
                bars->moveAbove(below);
            below = bars;
        }
        for (const schedule::BlockProfile& block : blocks) {
            double sum = 0;
            for (const MemoryKind kind : memoryKinds)
                sum += memoryOf(block, kind, samples());
            most = std::max(most, sum);
        }
    }
    finish(most, 1 << 20);
}

QString BlockMemoryChart::linesOf(const schedule::BlockProfile& block) const
{
    double sum = 0;
    QString lines;
    for (const MemoryKind kind : memoryKinds) {
        const double bytes = memoryOf(block, kind, samples());
        sum += bytes;
        lines += QStringLiteral("\n%1 %2: %3").arg(letterOf(kind), nameOf(kind), bytesText(static_cast<std::int64_t>(bytes)));
    }
    return lines + tr("\ntotal: %1").arg(bytesText(static_cast<std::int64_t>(sum)));
}

} // namespace pipebd::gui
