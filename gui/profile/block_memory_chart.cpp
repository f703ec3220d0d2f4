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
    : ProfileChart(tr("Memory per block"), parent)
{
    setObjectName(QStringLiteral("blockMemoryChart"));
    axisRect()->setRangeDrag(Qt::Horizontal);
    axisRect()->setRangeZoom(Qt::Horizontal);
    yAxis->setTicker(QSharedPointer<QCPAxisTicker>(new BytesTicker));
}

void BlockMemoryChart::showProfiles(ShownProfiles profiles, int samples)
{
    keep(std::move(profiles));
    m_samples = samples;
    setTitle(samples > 0 ? tr("Memory per block · %1 samples").arg(QLocale().toString(samples)) : tr("Memory per block"));
    redraw();
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
                bytes << memoryOf(blocks[block], kind, m_samples);
            }
            auto* bars = new LetteredBars(*this, letterOf(kind));
            bars->setWidth(width * 0.92);
            bars->setBrush(brushOf(colourOf(kind), i));
            bars->setPen(QPen(colourOf(kind).darker(150)));
            bars->setData(keys, bytes, true);
            bars->removeFromLegend();
            if (below)
                bars->moveAbove(below);
            below = bars;
        }
        for (const schedule::BlockProfile& block : blocks) {
            double sum = 0;
            for (const MemoryKind kind : memoryKinds)
                sum += memoryOf(block, kind, m_samples);
            most = std::max(most, sum);
        }
    }
    if (profiles().size() > 1)
        addProfilesToLegend(false);
    labelBlocks();
    yAxis->setRange(0, most > 0 ? most * 1.06 : 1 << 20);
}

QString BlockMemoryChart::readout(const QPointF& position) const
{
    const int block = blockAt(xAxis->pixelToCoord(position.x()));
    if (block < 0)
        return {};
    QString says = tr("Block %1: %2, %3 samples").arg(QString::number(block), blockName(block), QLocale().toString(m_samples));
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        const std::vector<schedule::BlockProfile>& blocks = profiles()[i].profile->blocks;
        if (block >= static_cast<int>(blocks.size()))
            continue;
        double sum = 0;
        QString lines;
        for (const MemoryKind kind : memoryKinds) {
            const double bytes = memoryOf(blocks[static_cast<std::size_t>(block)], kind, m_samples);
            sum += bytes;
            lines += QStringLiteral("\n%1 %2: %3").arg(letterOf(kind), nameOf(kind), bytesText(static_cast<std::int64_t>(bytes)));
        }
        const QString whose = prefixOf(i);
        says += QLatin1Char('\n') + (whose.isEmpty() ? lines.mid(1) : whose.chopped(1) + lines);
        says += tr("\ntotal: %1").arg(bytesText(static_cast<std::int64_t>(sum)));
    }
    return says;
}

} // namespace pipebd::gui
