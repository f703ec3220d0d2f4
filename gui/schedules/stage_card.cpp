#include "gui/schedules/stage_card.h"

#include "base/units.h"
#include "gui/kit/labels.h"
#include "gui/kit/number_text.h"
#include "gui/kit/theme.h"
#include "gui/schedules/stage_editor.h"
#include "schedule/stages.h"

#include <QApplication>
#include <QContextMenuEvent>
#include <QGridLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>

namespace pipebd::gui {

namespace {

constexpr int chipsAcross = 8;
constexpr int longestName = 14;

} // namespace

BlockChip::BlockChip(int block, const QString& name, StageEditor* editor, QWidget* parent)
    : QToolButton(parent)
    , m_block(block)
    , m_editor(editor)
{
    setObjectName(QStringLiteral("block%1").arg(block));
    setText(fontMetrics().elidedText(
        QStringLiteral("%1 %2").arg(QString::number(block), name), Qt::ElideRight, fontMetrics().averageCharWidth() * longestName));
    setToolTip(tr("Block %1, %2: drag it to another stage, or press Ctrl+Left or Ctrl+Right").arg(block).arg(name));
    setAccessibleName(tr("Block %1, %2").arg(block).arg(name));
    setFocusPolicy(Qt::StrongFocus);
    setCursor(Qt::OpenHandCursor);
}

void BlockChip::mousePressEvent(QMouseEvent* event)
{
    QToolButton::mousePressEvent(event);
    setFocus(Qt::MouseFocusReason);
    m_pressedAt = event->globalPosition().toPoint();
    m_dragged = false;
}

void BlockChip::mouseMoveEvent(QMouseEvent* event)
{
    const QPoint place = event->globalPosition().toPoint();
    if (!(event->buttons() & Qt::LeftButton))
        return;
    if (!m_dragged && (place - m_pressedAt).manhattanLength() < QApplication::startDragDistance())
        return;
    if (!std::exchange(m_dragged, true))
        setCursor(Qt::ClosedHandCursor);
    m_editor->dragTo(m_block, place);
}

void BlockChip::mouseReleaseEvent(QMouseEvent* event)
{
    QToolButton::mouseReleaseEvent(event);
    setCursor(Qt::OpenHandCursor);
    if (std::exchange(m_dragged, false))
        m_editor->endDrag(m_block, event->globalPosition().toPoint()); // may be the end of this chip
}

void BlockChip::keyPressEvent(QKeyEvent* event)
{
    const bool left = event->key() == Qt::Key_Left;
    if (event->modifiers() == Qt::ControlModifier && (left || event->key() == Qt::Key_Right)) {
        m_editor->moveBlock(m_block, m_editor->stageOf(m_block) + (left ? -1 : 1));
        return;
    }
    QToolButton::keyPressEvent(event);
}

void BlockChip::contextMenuEvent(QContextMenuEvent* event)
{
    QMenu menu(this);
    const int stage = m_editor->stageOf(m_block);
    QAction* before = menu.addAction(tr("Move to the stage &before"));
    before->setEnabled(stage > 0);
    QAction* after = menu.addAction(tr("Move to the stage &after"));
    after->setEnabled(stage + 1 < static_cast<int>(m_editor->stages().size()));
    QAction* split = menu.addAction(tr("&Split the stage before this block"));
    split->setEnabled(m_editor->stages()[static_cast<std::size_t>(stage)].first < m_block);
    QAction* chosen = menu.exec(event->globalPos());
    if (chosen == before)
        m_editor->moveBlock(m_block, stage - 1);
    else if (chosen == after)
        m_editor->moveBlock(m_block, stage + 1);
    else if (chosen && chosen == split)
        m_editor->split(m_block);
}

CostBar::CostBar(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void CostBar::setShare(double share, bool slowest)
{
    m_share = share;
    m_slowest = slowest;
    update();
}

QSize CostBar::sizeHint() const
{
    return {80, 7};
}

void CostBar::paintEvent(QPaintEvent* /*event*/)
{
    QPainter painter(this);
    painter.fillRect(rect(), palette().color(QPalette::Mid));
    QRect bar = rect();
    bar.setWidth(static_cast<int>(bar.width() * m_share));
    painter.fillRect(bar, curveColor(m_slowest ? 3 : 0, palette())); // vermillion for what all others wait for, else blue
}

StageCard::StageCard(int stage, const schedule::Stage& what, bool isLast, StageEditor* editor, QWidget* parent)
    : QFrame(parent)
    , m_title(new QLabel(this))
    , m_fewer(button(QStringLiteral("−"), QStringLiteral("fewer"), tr("Remove a device")))
    , m_more(button(QStringLiteral("+"), QStringLiteral("more"), tr("Add a device")))
    , m_chips(new QGridLayout)
    , m_bar(new CostBar(this))
    , m_cost(new QLabel(this))
    , m_memory(new QLabel(this))
{
    setObjectName(QStringLiteral("stage%1").arg(stage));
    setFrameShape(QFrame::StyledPanel);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);
    const QString devices = QString::fromStdString(schedule::numbers_text(what.devices));
    m_title->setText(what.devices.size() == 1 ? tr("Stage %1 on device %2").arg(QString::number(stage), devices)
                                              : tr("Stage %1 on devices %2").arg(QString::number(stage), devices));
    scaleFont(m_title, 1, true);
    setAccessibleName(m_title->text());
    m_memory->setForegroundRole(QPalette::PlaceholderText);

    auto* head = new QHBoxLayout;
    head->addWidget(m_title);
    head->addStretch();
    head->addWidget(m_fewer);
    head->addWidget(m_more);
    if (!isLast) {
        m_join = button(QStringLiteral("⇥"), QStringLiteral("join"), tr("Join with the next stage"));
        head->addWidget(m_join);
        connect(
            m_join, &QToolButton::clicked, editor, [editor, stage] { editor->join(stage); }, Qt::QueuedConnection);
    }
    m_chips->setSpacing(4);
    m_chips->setAlignment(Qt::AlignLeft);
    auto* foot = new QHBoxLayout;
    foot->addWidget(m_cost);
    foot->addStretch();
    foot->addWidget(m_memory);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 4, 6, 6);
    layout->setSpacing(4);
    layout->addLayout(head);
    layout->addLayout(m_chips);
    layout->addStretch();
    layout->addWidget(m_bar);
    layout->addLayout(foot);
    // Queued: an edit replaces the cards, and with them the button that is being clicked.
    connect(
        m_fewer, &QToolButton::clicked, editor, [editor, stage] { editor->fewerDevices(stage); }, Qt::QueuedConnection);
    connect(
        m_more, &QToolButton::clicked, editor, [editor, stage] { editor->moreDevices(stage); }, Qt::QueuedConnection);
}

QToolButton* StageCard::button(const QString& text, const QString& name, const QString& toolTip)
{
    auto* made = new QToolButton(this);
    made->setText(text);
    made->setObjectName(name);
    made->setToolTip(toolTip);
    made->setAccessibleName(toolTip);
    made->setAutoRaise(true);
    return made;
}

void StageCard::addChip(BlockChip* chip)
{
    const int count = m_chips->count();
    m_chips->addWidget(chip, count / chipsAcross, count % chipsAcross);
}

void StageCard::setFigures(double cost, double slowest, std::int64_t memory, std::optional<std::int64_t> limit)
{
    const bool isSlowest = cost >= slowest;
    m_bar->setShare(slowest > 0 ? cost / slowest : 0, isSlowest);
    m_cost->setText(isSlowest ? tr("%1 · slowest").arg(millisecondsText(cost)) : millisecondsText(cost));
    const QString held = QString::fromStdString(format_bytes(memory));
    const bool fits = !limit || memory <= *limit;
    const QString most = limit ? QString::fromStdString(format_bytes(*limit)) : QString();
    m_memory->setText(!limit ? held : fits ? tr("%1 of %2").arg(held, most) : tr("⚠ %1, more than %2").arg(held, most));
}

QString StageCard::figures() const
{
    return m_cost->text() + QStringLiteral("; ") + m_memory->text();
}

void StageCard::setTarget(bool isTarget)
{
    setFrameShape(isTarget ? QFrame::Box : QFrame::StyledPanel);
    setLineWidth(isTarget ? 2 : 1);
    setBackgroundRole(isTarget ? QPalette::AlternateBase : QPalette::Base);
}

} // namespace pipebd::gui
