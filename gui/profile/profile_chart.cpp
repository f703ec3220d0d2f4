#include "gui/profile/profile_chart.h"

#include "gui/charts/plot_dress.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/theme.h"

#include <QContextMenuEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QToolTip>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int narrow = 560; // pixels

} // namespace

QColor colourOf(TimeKind kind)
{
    static constexpr std::array<QRgb, 4> colours{0xff56b4e9, 0xff20b088, 0xffe8752a, 0xfff0e442};
    return QColor(colours[static_cast<std::size_t>(kind)]);
}

QColor colourOf(MemoryKind kind)
{
    static constexpr std::array<QRgb, 6> colours{0xff56b4e9, 0xff20b088, 0xffe69f00, 0xffcc79a7, 0xff7f8fd0, 0xfff0e442};
    return QColor(colours[static_cast<std::size_t>(kind)]);
}

LetteredBars::LetteredBars(QCustomPlot& plot, QString letter)
    : QCPBars(plot.xAxis, plot.yAxis)
    , m_letter(std::move(letter))
{
    setAntialiased(false);
}

void LetteredBars::draw(QCPPainter* painter)
{
    QCPBars::draw(painter);
    QFont font = parentPlot()->font();
    font.setPointSizeF(font.pointSizeF() * 0.8);
    font.setBold(true);
    const QFontMetrics metrics(font);
    painter->setFont(font);
    for (const QCPBarsData& bar : *data()) {
        const QRectF rect = getBarRect(bar.key, bar.value).normalized();
        if (rect.width() < metrics.horizontalAdvance(m_letter) + 3 || rect.height() < metrics.height() + 2)
            continue;
        // Plain ground under it, so that it can be read on a hatch.
        const QRectF ground(rect.center().x() - metrics.horizontalAdvance(m_letter) / 2.0 - 1, rect.bottom() - metrics.height() - 1,
            metrics.horizontalAdvance(m_letter) + 2, metrics.height());
        painter->fillRect(ground, brush().color());
        painter->setPen(Qt::black);
        painter->drawText(ground, Qt::AlignCenter, m_letter);
    }
}

ProfileChart::ProfileChart(const QString& title, QWidget* parent)
    : QCustomPlot(parent)
    , m_title(layOutPlot(*this, title))
    , m_profiles(std::make_shared<const std::vector<ShownProfile>>())
{
    setAccessibleName(title);
    setMinimumSize(240, 150);
    setInteractions(QCP::iRangeDrag | QCP::iRangeZoom);
    setMouseTracking(true);
    dressPlot(*this, *m_title);
}

QString ProfileChart::title() const
{
    return m_title->text();
}

void ProfileChart::setTitle(const QString& title)
{
    m_title->setText(title);
}

void ProfileChart::redraw()
{
    clearPlottables();
    legend->clearItems();
    legend->simplify();
    rebuild();
    dressPlot(*this, *m_title);
    wrapLegend(*this);
    replot(rpQueuedReplot);
}

int ProfileChart::blockCount() const
{
    std::size_t most = 0;
    for (const ShownProfile& shown : *m_profiles)
        most = std::max(most, shown.profile->blocks.size());
    return static_cast<int>(most);
}

QString ProfileChart::blockName(int block) const
{
    for (const ShownProfile& shown : *m_profiles)
        if (block >= 0 && block < static_cast<int>(shown.profile->blocks.size()))
            return QString::fromStdString(shown.profile->blocks[static_cast<std::size_t>(block)].name);
    return {};
}

void ProfileChart::labelBlocks()
{
    const int blocks = blockCount();
    const int room = blocks > 0 ? (width() - 80) / blocks - 6 : 0;
    const QFontMetrics metrics(xAxis->tickLabelFont());
    bool namesFit = true;
    for (int block = 0; block < blocks; ++block)
        namesFit = namesFit && metrics.horizontalAdvance(blockName(block)) <= room;
    const QSharedPointer<QCPAxisTickerText> ticker(new QCPAxisTickerText);
    for (int block = 0; block < blocks; ++block)
        ticker->addTick(block, namesFit ? blockName(block) : QString::number(block));
    xAxis->setTicker(ticker);
    xAxis->setLabel(namesFit ? QString() : tr("block"));
    xAxis->setRange(-0.5, std::max(0.5, blocks - 0.5));
}

int ProfileChart::blockAt(double x) const
{
    const int block = static_cast<int>(std::lround(x));
    return block >= 0 && block < blockCount() ? block : -1;
}

QString ProfileChart::prefixOf(std::size_t profile) const
{
    if (m_profiles->size() < 2)
        return {};
    return QStringLiteral("%1 · %2\n").arg(QString::number(profile + 1), labelOf((*m_profiles)[profile].stored));
}

QBrush ProfileChart::brushOf(const QColor& colour, std::size_t profile)
{
    static constexpr std::array styles{Qt::SolidPattern, Qt::BDiagPattern, Qt::DiagCrossPattern, Qt::HorPattern, Qt::Dense5Pattern};
    return {colour, styles[profile % styles.size()]};
}

Qt::PenStyle ProfileChart::dashOf(std::size_t profile)
{
    return curvePenStyle(static_cast<int>(profile) * 8);
}

void ProfileChart::addKindToLegend(const QString& name, const QColor& colour)
{
    auto* entry = new QCPBars(xAxis, yAxis);
    entry->setName(name);
    entry->setBrush(colour);
    entry->setPen(Qt::NoPen);
    entry->addToLegend();
}

void ProfileChart::addProfilesToLegend(bool lines)
{
    for (std::size_t i = 0; i < m_profiles->size(); ++i) {
        const QColor soft = palette().color(QPalette::PlaceholderText);
        // Where there is no room for names, the number stands for what other charts name.
        const QString number = QString::number(i + 1);
        const QString name = width() < narrow ? number : QStringLiteral("%1 · %2").arg(number, labelOf((*m_profiles)[i].stored));
        if (lines) {
            auto* entry = new QCPGraph(xAxis, yAxis);
            entry->setPen(QPen(soft, 1.6, dashOf(i)));
            entry->setName(name);
            entry->addToLegend();
        } else {
            auto* entry = new QCPBars(xAxis, yAxis);
            entry->setBrush(brushOf(soft, i));
            entry->setPen(QPen(soft));
            entry->setName(name);
            entry->addToLegend();
        }
    }
}

void ProfileChart::changeEvent(QEvent* event)
{
    QCustomPlot::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        redraw();
}

void ProfileChart::resizeEvent(QResizeEvent* event)
{
    QCustomPlot::resizeEvent(event);
    redraw();
}

void ProfileChart::mouseMoveEvent(QMouseEvent* event)
{
    QCustomPlot::mouseMoveEvent(event);
    const QString says
        = event->buttons() == Qt::NoButton && axisRect()->rect().contains(event->pos()) ? readout(event->position()) : QString();
    if (says.isEmpty())
        QToolTip::hideText();
    else
        QToolTip::showText(event->globalPosition().toPoint(), plainToolTip(says), this);
}

void ProfileChart::mouseDoubleClickEvent(QMouseEvent* event)
{
    QCustomPlot::mouseDoubleClickEvent(event);
    redraw();
}

void ProfileChart::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    connect(menu.addAction(tr("&Fit all")), &QAction::triggered, this, &ProfileChart::redraw);
    connect(menu.addAction(tr("&Export…")), &QAction::triggered, this, &ProfileChart::exportRequested);
    menu.exec(event->globalPos());
}

} // namespace pipebd::gui
