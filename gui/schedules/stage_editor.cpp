#include "gui/schedules/stage_editor.h"

#include "gui/schedules/stage_card.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

using schedule::Stage;

StageEditor::StageEditor(QWidget* parent)
    : QWidget(parent)
    , m_row(new QWidget)
    , m_cardLayout(new QHBoxLayout(m_row))
    , m_free(new QLabel(m_row))
{
    setObjectName(QStringLiteral("stageEditor"));
    setAccessibleName(tr("Stages"));
    m_cardLayout->setContentsMargins({});
    m_cardLayout->setSpacing(6);
    m_free->setForegroundRole(QPalette::PlaceholderText);
    auto* area = new QScrollArea(this);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFocusPolicy(Qt::NoFocus);
    area->setWidget(m_row);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(area);
}

void StageEditor::setStages(std::vector<Stage> stages, const QStringList& blocks, int devices)
{
    if (stages == m_stages && blocks == m_blocks && devices == m_devices)
        return;
    m_stages = std::move(stages);
    m_blocks = blocks;
    m_devices = devices;
    rebuild();
}

void StageEditor::rebuild()
{
    int focused = -1;
    for (const BlockChip* chip : m_chips)
        if (chip->hasFocus())
            focused = chip->block();
    for (StageCard* card : std::exchange(m_cards, {})) {
        card->hide();
        card->deleteLater(); // it may be what asked for the edit
    }
    m_chips.clear();
    m_dragTarget = -1;
    while (QLayoutItem* item = m_cardLayout->takeAt(0))
        delete item;
    std::size_t owned = 0;
    for (std::size_t i = 0; i < m_stages.size(); ++i) {
        const Stage& stage = m_stages[i];
        auto* card = new StageCard(static_cast<int>(i), stage, i + 1 == m_stages.size(), this, m_row);
        for (int block = stage.first; block < stage.last; ++block) {
            m_chips.push_back(new BlockChip(block, m_blocks.value(block), this, card));
            card->addChip(m_chips.back());
        }
        m_cards.push_back(card);
        m_cardLayout->addWidget(card, stage.last - stage.first);
        owned += stage.devices.size();
    }
    const int free = m_devices - static_cast<int>(owned);
    m_free->setText(free == 1 ? tr("1 device is free") : tr("%1 devices are free").arg(free));
    m_free->setVisible(free > 0);
    m_cardLayout->addWidget(m_free);
    m_cardLayout->addStretch(1);
    if (BlockChip* chip = this->chip(focused))
        chip->setFocus();
    setFigures(m_figures);
    setMinimumHeight(m_row->sizeHint().height());
}

void StageEditor::setFigures(const StageFigures& figures)
{
    m_figures = figures;
    if (figures.costs.size() != m_cards.size() || figures.memory.size() != m_cards.size())
        return; // of other stages: newer ones are on their way
    const double slowest = figures.costs.empty() ? 0 : *std::max_element(figures.costs.begin(), figures.costs.end());
    for (std::size_t i = 0; i < m_cards.size(); ++i)
        m_cards[i]->setFigures(figures.costs[i], slowest, figures.memory[i], figures.limit);
}

StageCard* StageEditor::card(int stage) const
{
    return stage >= 0 && stage < static_cast<int>(m_cards.size()) ? m_cards[static_cast<std::size_t>(stage)] : nullptr;
}

BlockChip* StageEditor::chip(int block) const
{
    return block >= 0 && block < static_cast<int>(m_chips.size()) ? m_chips[static_cast<std::size_t>(block)] : nullptr;
}

int StageEditor::stageOf(int block) const
{
    const auto found = std::find_if(
        m_stages.begin(), m_stages.end(), [&](const Stage& stage) { return block >= stage.first && block < stage.last; });
    return static_cast<int>(found - m_stages.begin());
}

int StageEditor::stageAt(const QPoint& globalPosition) const
{
    for (std::size_t i = 0; i < m_cards.size(); ++i)
        if (m_cards[i]->rect().contains(m_cards[i]->mapFromGlobal(globalPosition)))
            return static_cast<int>(i);
    return -1;
}

void StageEditor::dragTo(int block, const QPoint& globalPosition)
{
    const int target = stageAt(globalPosition);
    if (std::exchange(m_dragTarget, target) == target)
        return;
    for (std::size_t i = 0; i < m_cards.size(); ++i)
        m_cards[i]->setTarget(static_cast<int>(i) == target && target != stageOf(block));
    const schedule::Edited edit = target < 0 || target == stageOf(block) ? schedule::Edited{} : move_block(m_stages, block, target);
    emit previewed(edit.possible() ? edit.stages : std::vector<Stage>{});
}

void StageEditor::endDrag(int block, const QPoint& globalPosition)
{
    const int target = stageAt(globalPosition);
    m_dragTarget = -1;
    for (StageCard* card : m_cards)
        card->setTarget(false);
    emit previewed({});
    if (target >= 0)
        moveBlock(block, target);
}

void StageEditor::take(const schedule::Edited& edit, const QString& what)
{
    if (!edit.possible())
        emit refused(QString::fromStdString(edit.why_not));
    else if (edit.stages != m_stages)
        emit edited(edit.stages, what);
}

void StageEditor::moveBlock(int block, int stage)
{
    if (stage < 0 || stage >= static_cast<int>(m_stages.size()) || stage == stageOf(block))
        return;
    take(move_block(m_stages, block, stage), tr("move block %1 to stage %2").arg(block).arg(stage));
}

void StageEditor::moreDevices(int stage)
{
    std::size_t owned = 0;
    int giver = -1; // the widest other stage that can spare one
    for (std::size_t i = 0; i < m_stages.size(); ++i) {
        owned += m_stages[i].devices.size();
        const bool better = giver < 0 || m_stages[i].devices.size() > m_stages[static_cast<std::size_t>(giver)].devices.size();
        if (static_cast<int>(i) != stage && m_stages[i].devices.size() > 1 && better)
            giver = static_cast<int>(i);
    }
    const bool anyFree = static_cast<int>(owned) < m_devices;
    if (!anyFree && giver < 0) {
        emit refused(tr("no device is free, and every other stage has only one; join two stages, or add devices"));
        return;
    }
    take(anyFree ? add_device(m_stages, stage, m_devices) : give_device(m_stages, giver, stage),
        tr("add a device to stage %1").arg(stage));
}

void StageEditor::fewerDevices(int stage)
{
    take(drop_device(m_stages, stage), tr("remove a device from stage %1").arg(stage));
}

void StageEditor::split(int block)
{
    const int stage = stageOf(block);
    std::vector<Stage> stages = m_stages;
    if (stages[static_cast<std::size_t>(stage)].devices.size() == 1) {
        schedule::Edited wider = add_device(stages, stage, m_devices);
        if (!wider.possible()) {
            emit refused(tr("no device is free for the second part of stage %1; join two stages, or add devices").arg(stage));
            return;
        }
        stages = std::move(wider.stages);
    }
    const int devices = static_cast<int>(stages[static_cast<std::size_t>(stage)].devices.size());
    take(split_stage(stages, stage, block, (devices + 1) / 2), tr("split stage %1 before block %2").arg(stage).arg(block));
}

void StageEditor::join(int stage)
{
    take(join_stages(m_stages, stage), tr("join stages %1 and %2").arg(stage).arg(stage + 1));
}

} // namespace pipebd::gui
