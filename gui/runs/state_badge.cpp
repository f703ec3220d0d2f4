#include "gui/runs/state_badge.h"

#include "gui/kit/theme.h"
#include "gui/lab/run_text.h"

#include <QPainter>

namespace pipebd::gui {

namespace {

constexpr int iconSize = 16;
constexpr int margin = 8;

} // namespace

StateBadge::StateBadge(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setState(m_state);
}

void StateBadge::setState(store::RunState state)
{
    m_state = state;
    setAccessibleName(stateWord(state));
    updateGeometry();
    update();
}

QSize StateBadge::sizeHint() const
{
    QFont bold = font();
    bold.setBold(true);
    const QFontMetrics metrics(bold);
    return {margin + iconSize + 5 + metrics.horizontalAdvance(stateWord(m_state)) + margin + 2,
        std::max(iconSize, metrics.height()) + margin};
}

void StateBadge::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QColor colour = stateColor(m_state, palette());
    QColor fill = colour;
    fill.setAlphaF(isDark(palette()) ? 0.2F : 0.12F);
    painter.setPen(QPen(colour, 1));
    painter.setBrush(fill);
    const QRectF frame = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    painter.drawRoundedRect(frame, frame.height() / 2, frame.height() / 2);
    stateIcon(m_state, palette()).paint(&painter, QRect(margin, (height() - iconSize) / 2, iconSize, iconSize));
    QFont bold = font();
    bold.setBold(true);
    painter.setFont(bold);
    painter.drawText(rect().adjusted(margin + iconSize + 5, 0, 0, 0), Qt::AlignVCenter | Qt::AlignLeft, stateWord(m_state));
}

} // namespace pipebd::gui
