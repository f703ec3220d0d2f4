// StageCard and BlockChip: what a StageEditor is made of.
#pragma once

#include "schedule/schedule.h"

#include <QFrame>
#include <QToolButton>

#include <cstdint>
#include <optional>

class QGridLayout;
class QLabel;

namespace pipebd::gui {

class StageEditor;

/// One block, which can be dragged.
class BlockChip : public QToolButton {
    Q_OBJECT

public:
    BlockChip(int block, const QString& name, StageEditor* editor, QWidget* parent);
    int block() const { return m_block; }

protected:
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    int m_block;
    StageEditor* m_editor;
    QPoint m_pressedAt;
    bool m_dragged = false;
};

/// A share of the slowest stage's cost.
class CostBar : public QWidget {
    Q_OBJECT

public:
    explicit CostBar(QWidget* parent);
    void setShare(double share, bool slowest); // 0 to 1
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    double m_share = 0;
    bool m_slowest = false;
};

class StageCard : public QFrame {
    Q_OBJECT

public:
    /// `isLast`: nothing to be joined with.
    StageCard(int stage, const schedule::Stage& what, bool isLast, StageEditor* editor, QWidget* parent);

    void addChip(BlockChip* chip);
    void setFigures(double cost, double slowest, std::int64_t memory, std::optional<std::int64_t> limit);
    void setTarget(bool isTarget); // of a drag
    QToolButton* moreButton() const { return m_more; }
    QToolButton* fewerButton() const { return m_fewer; }
    QToolButton* joinButton() const { return m_join; }
    QString figures() const; // as they are shown

private:
    QToolButton* button(const QString& text, const QString& name, const QString& toolTip);

    QLabel* m_title;
    QToolButton* m_fewer;
    QToolButton* m_more;
    QToolButton* m_join = nullptr;
    QGridLayout* m_chips;
    CostBar* m_bar;
    QLabel* m_cost;
    QLabel* m_memory;
};

} // namespace pipebd::gui
