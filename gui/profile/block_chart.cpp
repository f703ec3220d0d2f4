#include "gui/profile/block_chart.h"

namespace pipebd::gui {

BlockChart::BlockChart(const QString& title, const QString& withSamples, QWidget* parent)
    : ProfileChart(title, parent)
    , m_plainTitle(title)
    , m_withSamples(withSamples)
{
    axisRect()->setRangeDrag(Qt::Horizontal);
    axisRect()->setRangeZoom(Qt::Horizontal);
}

void BlockChart::showProfiles(ShownProfiles profiles, int samples)
{
    keep(std::move(profiles));
    m_samples = samples;
    setTitle(samples > 0 ? m_withSamples.arg(QLocale().toString(samples)) : m_plainTitle);
    redraw();
}

QCPBars* BlockChart::addBars(const QString& letter, const QColor& colour, std::size_t profile)
{
    auto* bars = new LetteredBars(*this, letter);
    bars->setBrush(brushOf(colour, profile));
    bars->setPen(QPen(colour.darker(150)));
    bars->removeFromLegend();
    return bars;
}

void BlockChart::finish(double most, double otherwise)
{
    if (profiles().size() > 1)
        addProfilesToLegend(false);
    labelBlocks();
    yAxis->setRange(0, most > 0 ? most * 1.06 : otherwise);
}

QString BlockChart::readout(const QPointF& position) const
{
    const int block = blockAt(xAxis->pixelToCoord(position.x()));
    if (block < 0)
        return {};
    QString says = tr("Block %1: %2, %3 samples").arg(QString::number(block), blockName(block), QLocale().toString(m_samples));
    for (std::size_t i = 0; i < profiles().size(); ++i) {
        const std::vector<schedule::BlockProfile>& blocks = profiles()[i].profile->blocks;
        if (block >= static_cast<int>(blocks.size()))
            continue;
        const QString lines = linesOf(blocks[static_cast<std::size_t>(block)]);
        const QString whose = prefixOf(i);
        says += QLatin1Char('\n') + (whose.isEmpty() ? lines.mid(1) : whose.chopped(1) + lines);
    }
    return says;
}

} // namespace pipebd::gui
