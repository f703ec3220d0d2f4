// PairDiagram: the blocks of teacher and student side by side, a row a block, and the activations that go from one to the next.
//
// A block is chosen with the mouse or the arrow keys. Bars show multiply-accumulates on one scale; of a supernet's student the mean
// path filled, the largest hatched, the smallest marked.
#pragma once

#include "gui/pairs/pair_description.h"

#include <QWidget>

#include <optional>

class QPainter;

namespace pipebd::gui {

class PairDiagram : public QWidget {
    Q_OBJECT

public:
    explicit PairDiagram(QWidget* parent = nullptr);

    void setPair(PairDescription pair);
    void clear();
    const std::optional<PairDescription>& pair() const { return m_pair; }

    int selectedBlock() const { return m_selected; } // -1: none
    void selectBlock(int block);
    QRect blockRect(int block) const; // of its row

    /// All of it, as wide as `width`; the selection is left out.
    void paint(QPainter& painter, int width) const;
    QSize sizeFor(int width) const;

    /// What the tool tip of a block says.
    static QString details(const PairDescription& pair, int block, bool teacher);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    bool hasHeightForWidth() const override { return true; }
    int heightForWidth(int width) const override;

signals:
    void blockSelected(int block);

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    bool event(QEvent* event) override;

private:
    void paint(QPainter& painter, int width, int selected, bool focused) const;
    int rows() const;

    std::optional<PairDescription> m_pair;
    int m_selected = -1;
};

} // namespace pipebd::gui
