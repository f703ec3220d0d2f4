// StageEditor: the stages of a schedule as cards with their blocks and devices, to be changed by hand.
//
// A block is dragged from card to card, or moved by Ctrl+Left and Ctrl+Right; cards have buttons for one device more or less, to be
// joined with the next one, and to be split (in a block's context menu). It changes nothing itself: what the user asks for is told,
// and shown once it is set.
#pragma once

#include "schedule/stage_edits.h"

#include <QStringList>
#include <QWidget>

#include <cstdint>
#include <optional>
#include <vector>

class QHBoxLayout;
class QLabel;

namespace pipebd::gui {

class BlockChip;
class StageCard;

/// What the stages cost, from a plan of them.
struct StageFigures {
    std::vector<double> costs; // ms, by stage
    std::vector<std::int64_t> memory; // bytes a device, by stage
    std::optional<std::int64_t> limit; // of a device
};

class StageEditor : public QWidget {
    Q_OBJECT

public:
    explicit StageEditor(QWidget* parent = nullptr);

    /// `blocks`: their names. `devices`: how many there are, owned or not.
    void setStages(std::vector<schedule::Stage> stages, const QStringList& blocks, int devices);
    void setFigures(const StageFigures& figures);
    const std::vector<schedule::Stage>& stages() const { return m_stages; }

    StageCard* card(int stage) const;
    BlockChip* chip(int block) const;

signals:
    void edited(const std::vector<pipebd::schedule::Stage>& stages, const QString& what); // "move block 3 to stage 1"
    void refused(const QString& why); // what was asked for cannot be
    void previewed(const std::vector<pipebd::schedule::Stage>& stages); // would come of a drag that has not ended; empty: nothing

private:
    friend class BlockChip;
    friend class StageCard;

    void moveBlock(int block, int stage);
    void moreDevices(int stage);
    void fewerDevices(int stage);
    void split(int block);
    void join(int stage);
    void take(const schedule::Edited& edit, const QString& what);
    int stageOf(int block) const;
    int stageAt(const QPoint& globalPosition) const; // -1: none
    void dragTo(int block, const QPoint& globalPosition);
    void endDrag(int block, const QPoint& globalPosition);
    void rebuild();

    std::vector<schedule::Stage> m_stages;
    QStringList m_blocks;
    int m_devices = 0;
    StageFigures m_figures;
    QWidget* m_row;
    QHBoxLayout* m_cardLayout;
    QLabel* m_free; // devices that no stage has
    std::vector<StageCard*> m_cards;
    std::vector<BlockChip*> m_chips; // by block
    int m_dragTarget = -1;
};

} // namespace pipebd::gui
