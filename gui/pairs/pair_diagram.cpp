#include "gui/pairs/pair_diagram.h"

#include "gui/kit/number_text.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/theme.h"

#include <QAccessible>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QLocale>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int teacherColour = 5; // of the palette: blue and orange, told apart by every reader
constexpr int studentColour = 1;
constexpr int margin = 12;
constexpr int padding = 8;
constexpr int barHeight = 8;
constexpr int smallestWidth = 460;
constexpr int widestBox = 380;

// Where everything is, for one font and width.
struct Places {
    Places(const QFontMetrics& metrics, int width)
        : line(metrics.height())
        , header(margin + 2 * line)
        , gap(line + 18)
        , box(3 * line + barHeight + 2 * padding + 2)
        , between(metrics.horizontalAdvance(QStringLiteral("loss")) + 48)
        , boxWidth(std::min(widestBox, (std::max(width, smallestWidth) - 2 * margin - between) / 2))
        , left((std::max(width, smallestWidth) - 2 * boxWidth - between) / 2)
    {
    }

    int top(int row) const { return header + gap + row * (box + gap); }
    int height(int rows) const { return top(rows) - gap + margin; }
    QRect teacher(int row) const { return {left, top(row), boxWidth, box}; }
    QRect student(int row) const { return {left + boxWidth + between, top(row), boxWidth, box}; }

    int line, header, gap, box, between, boxWidth, left;
};

void drawArrowHead(QPainter& painter, QPointF tip, QPointF direction)
{
    constexpr double length = 7;
    constexpr double half = 3.5;
    const QPointF across(-direction.y(), direction.x());
    QPainterPath head(tip);
    head.lineTo(tip - direction * length + across * half);
    head.lineTo(tip - direction * length - across * half);
    head.closeSubpath();
    painter.fillPath(head, painter.pen().color());
}

class Drawing {
public:
    Drawing(QPainter& painter, const QWidget& widget, const PairDescription& pair, int width)
        : m_painter(painter)
        , m_palette(widget.palette())
        , m_font(widget.font())
        , m_pair(pair)
        , m_places(widget.fontMetrics(), width)
        , m_blockwise(pair.isBlockwise())
    {
        for (const PairBlock& block : pair.blocks)
            m_mostMacs = std::max({m_mostMacs, block.teacher.macs.largest, block.student.macs.largest});
    }

    void draw(int selected, bool focused)
    {
        m_painter.setRenderHint(QPainter::Antialiasing);
        m_painter.setFont(m_font);
        drawTitles();
        for (int row = 0; row < static_cast<int>(m_pair.blocks.size()); ++row) {
            if (row == selected)
                drawSelection(row, focused);
            drawRelay(row);
            drawLoss(row);
            const PairBlock& block = m_pair.blocks[static_cast<std::size_t>(row)];
            drawBox(m_places.teacher(row), QStringLiteral("T%1").arg(row), block.name, block.teacher, teacherColour);
            drawBox(m_places.student(row), QStringLiteral("S%1").arg(row), block.name, block.student, studentColour);
        }
    }

private:
    QColor soft() const { return m_palette.color(QPalette::PlaceholderText); }
    QColor text() const { return m_palette.color(QPalette::Text); }

    void drawText(const QRect& place, int flags, const QString& words, const QColor& colour, bool bold = false)
    {
        QFont font = m_font;
        font.setBold(bold);
        m_painter.setFont(font);
        m_painter.setPen(colour);
        m_painter.drawText(place, flags | Qt::TextSingleLine, QFontMetrics(font).elidedText(words, Qt::ElideRight, place.width()));
    }

    void drawTitles()
    {
        const auto title = [&](const QRect& box, const QString& name, const NetworkBlock& network) {
            const QRect place(box.left(), margin, box.width(), m_places.line);
            drawText(place, Qt::AlignLeft, name, text(), true);
            drawText(place.translated(0, m_places.line), Qt::AlignLeft,
                PairDiagram::tr("%1 parameters, %2 MACs").arg(countText(network.parameters), rangeText(network.macs)), soft());
        };
        title(m_places.teacher(0), PairDiagram::tr("Teacher (T)"), m_pair.teacher());
        title(m_places.student(0), PairDiagram::tr("Student (S)"), m_pair.student());
    }

    void drawSelection(int row, bool focused)
    {
        QColor colour = m_palette.color(QPalette::Highlight);
        const QRect around = m_places.teacher(row).united(m_places.student(row)).adjusted(-6, -5, 6, 5);
        m_painter.setPen(QPen(colour, focused ? 2 : 1));
        colour.setAlphaF(0.10F);
        m_painter.setBrush(colour);
        m_painter.drawRoundedRect(around, 6, 6);
    }

    // Shape and bytes, or the shape alone where there is no room.
    QString activationText(const Shape& shape, bool tokens, int room) const
    {
        const QString size = tokens ? PairDiagram::tr("%1 tokens").arg(shapeText(shape)) : shapeText(shape);
        const QString text = PairDiagram::tr("%1 · %2").arg(size, bytesText(activationBytes(shape, tokens)));
        return QFontMetrics(m_font).horizontalAdvance(text) <= room ? text : size;
    }

    // What goes into the blocks of this row: to both from the teacher's block before, unless each network feeds itself.
    void drawRelay(int row)
    {
        const QRect teacher = m_places.teacher(row);
        const QRect student = m_places.student(row);
        const bool first = row == 0;
        const PairBlock* before = first ? nullptr : &m_pair.blocks[static_cast<std::size_t>(row) - 1];
        const int from = teacher.top() - m_places.gap + (first ? m_places.line / 2 : 0);
        const double x = teacher.center().x();
        const double studentX = student.center().x();
        const double branch = teacher.top() - 11;
        m_painter.setBrush(Qt::NoBrush);
        m_painter.setPen(QPen(text(), 1.4));
        m_painter.drawLine(QPointF(x, from), QPointF(x, teacher.top() - 3));
        drawArrowHead(m_painter, {x, double(teacher.top())}, {0, 1});
        const bool branches = first || m_blockwise;
        if (branches)
            m_painter.drawLine(QPointF(x, branch), QPointF(studentX, branch));
        m_painter.drawLine(QPointF(studentX, branches ? branch : from), QPointF(studentX, student.top() - 3));
        drawArrowHead(m_painter, {studentX, double(student.top())}, {0, 1});

        const int labelTop = static_cast<int>(branch) - m_places.line - 2;
        const QRect across(int(x) + 8, labelTop, int(studentX - x) - 16, m_places.line);
        if (first) {
            const QString input = activationText(m_pair.input, m_pair.vocabulary > 0, across.width() - 60);
            drawText(across, Qt::AlignHCenter, PairDiagram::tr("sample: %1").arg(input), text());
        } else if (m_blockwise) {
            drawText(across, Qt::AlignHCenter, activationText(before->teacher.output, false, across.width()), text());
        } else {
            const QRect beside(int(studentX) + 8, labelTop + 6, m_places.boxWidth / 2 - 4, m_places.line);
            drawText(across.translated(0, 6), Qt::AlignLeft, activationText(before->teacher.output, false, across.width()), text());
            drawText(beside, Qt::AlignLeft, activationText(before->student.output, false, beside.width()), text());
        }
    }

    void drawLoss(int row)
    {
        if (!m_blockwise && row + 1 < static_cast<int>(m_pair.blocks.size()))
            return;
        const QRect teacher = m_places.teacher(row);
        const double y = teacher.center().y() + 0.5 * m_places.line;
        const double from = teacher.right() + 3;
        const double to = m_places.student(row).left() - 3;
        m_painter.setPen(QPen(soft(), 1.2, Qt::DashLine));
        m_painter.drawLine(QPointF(from + 6, y), QPointF(to - 6, y));
        drawArrowHead(m_painter, {from, y}, {-1, 0});
        drawArrowHead(m_painter, {to, y}, {1, 0});
        const QRect place(int(from), int(y) - m_places.line - 2, int(to - from), m_places.line);
        drawText(place, Qt::AlignHCenter, PairDiagram::tr("loss"), soft());
    }

    void drawBox(const QRect& box, const QString& letter, const QString& name, const NetworkBlock& block, int colourIndex)
    {
        const QColor colour = curveColor(colourIndex, m_palette);
        m_painter.setPen(QPen(colour, 1.4));
        m_painter.setBrush(m_palette.color(QPalette::Base));
        m_painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5);

        QRect line(box.left() + padding, box.top() + padding - 2, box.width() - 2 * padding, m_places.line);
        const QString shape = shapeText(block.output);
        const int shapeWidth = QFontMetrics(m_font).horizontalAdvance(shape) + 8;
        drawText(line, Qt::AlignRight, shape, text());
        drawText(line.adjusted(0, 0, -shapeWidth, 0), Qt::AlignLeft, letter + QStringLiteral("  ") + name, text(), true);
        line.translate(0, m_places.line);
        drawText(line, Qt::AlignLeft, PairDiagram::tr("%1 MACs").arg(rangeText(block.macs)), text());
        line.translate(0, m_places.line);
        drawText(line, Qt::AlignLeft,
            block.candidates > 0
                ? PairDiagram::tr("%1 parameters in %2 candidates").arg(countText(block.parameters)).arg(block.candidates)
                : PairDiagram::tr("%1 parameters").arg(countText(block.parameters)),
            soft());
        drawBar({line.left(), line.bottom() + 5, line.width(), barHeight}, block.macs, colour);
    }

    void drawBar(const QRect& place, const PathRange& macs, const QColor& colour)
    {
        const auto widthOf = [&](std::int64_t count) {
            return m_mostMacs > 0 ? static_cast<double>(count) / static_cast<double>(m_mostMacs) * place.width() : 0.0;
        };
        QColor trough = text();
        trough.setAlphaF(0.08F);
        m_painter.fillRect(place, trough);
        if (macs.isRange())
            m_painter.fillRect(
                QRectF(place.left(), place.top(), widthOf(macs.largest), place.height()), QBrush(colour, Qt::BDiagPattern));
        m_painter.fillRect(QRectF(place.left(), place.top(), std::max(1.0, widthOf(macs.mean)), place.height()), QBrush(colour));
        if (!macs.isRange())
            return;
        const double smallest = place.left() + widthOf(macs.smallest);
        m_painter.setPen(QPen(m_palette.color(QPalette::Base), 2));
        m_painter.drawLine(QPointF(smallest, place.top()), QPointF(smallest, place.bottom() + 1));
    }

    QPainter& m_painter;
    QPalette m_palette;
    QFont m_font;
    const PairDescription& m_pair;
    Places m_places;
    bool m_blockwise;
    std::int64_t m_mostMacs = 0;
};

} // namespace

PairDiagram::PairDiagram(QWidget* parent)
    : QWidget(parent)
{
    setObjectName(QStringLiteral("pairDiagram"));
    setAccessibleName(tr("Blocks of teacher and student"));
    setFocusPolicy(Qt::StrongFocus);
    setBackgroundRole(QPalette::Base);
    setAutoFillBackground(true);
    QSizePolicy policy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

int PairDiagram::rows() const
{
    return m_pair ? static_cast<int>(m_pair->blocks.size()) : 0;
}

void PairDiagram::setPair(PairDescription pair)
{
    const bool same = m_pair && m_pair->name == pair.name;
    m_pair = std::move(pair);
    if (!same || m_selected >= rows())
        m_selected = -1;
    updateGeometry();
    update();
}

void PairDiagram::clear()
{
    m_pair.reset();
    m_selected = -1;
    updateGeometry();
    update();
}

void PairDiagram::selectBlock(int block)
{
    if (block == m_selected || block < -1 || block >= rows())
        return;
    m_selected = block;
    setAccessibleDescription(
        block < 0 ? QString() : details(*m_pair, block, true) + QLatin1Char('\n') + details(*m_pair, block, false));
    update();
    emit blockSelected(block);
}

QRect PairDiagram::blockRect(int block) const
{
    const Places places(fontMetrics(), width());
    return places.teacher(block).united(places.student(block)).adjusted(-margin, -places.gap, margin, margin);
}

QString PairDiagram::details(const PairDescription& pair, int block, bool teacher)
{
    const PairBlock& both = pair.blocks[static_cast<std::size_t>(block)];
    const NetworkBlock& network = teacher ? both.teacher : both.student;
    const QLocale locale;
    const auto exact = [&](const PathRange& range) {
        const auto number = [&](std::int64_t count) { return locale.toString(qint64(count)); };
        return range.isRange() ? tr("%1 to %2, mean %3").arg(number(range.smallest), number(range.largest), number(range.mean))
                               : number(range.mean);
    };
    QStringList lines{(teacher ? tr("T%1 · %2 (teacher)") : tr("S%1 · %2 (student)")).arg(block).arg(both.name),
        tr("Output: %1, %2 per sample").arg(shapeText(network.output), bytesText(activationBytes(network.output))),
        tr("Multiply-accumulates per sample: %1").arg(exact(network.macs)),
        tr("Parameters: %1, %2").arg(locale.toString(qint64(network.parameters)), bytesText(network.bytes))};
    if (network.candidates > 0)
        lines << tr("Parameters of one path: %1").arg(exact(network.parametersUsed))
              << tr("%1 candidates in %2 cells").arg(network.candidates).arg(network.cells);
    return lines.join(QLatin1Char('\n'));
}

void PairDiagram::paint(QPainter& painter, int width) const
{
    painter.fillRect(QRect({0, 0}, sizeFor(width)), palette().color(QPalette::Base));
    paint(painter, width, -1, false);
}

void PairDiagram::paint(QPainter& painter, int width, int selected, bool focused) const
{
    if (m_pair)
        Drawing(painter, *this, *m_pair, width).draw(selected, focused);
}

QSize PairDiagram::sizeFor(int width) const
{
    return {std::max(width, smallestWidth), Places(fontMetrics(), width).height(rows())};
}

QSize PairDiagram::sizeHint() const
{
    return sizeFor(720);
}

QSize PairDiagram::minimumSizeHint() const
{
    return sizeFor(smallestWidth);
}

int PairDiagram::heightForWidth(int width) const
{
    return sizeFor(width).height();
}

void PairDiagram::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    paint(painter, width(), m_selected, hasFocus());
}

void PairDiagram::keyPressEvent(QKeyEvent* event)
{
    const int last = rows() - 1;
    int block = m_selected;
    switch (event->key()) {
    case Qt::Key_Down:
        block = std::min(last, m_selected + 1);
        break;
    case Qt::Key_Up:
        block = std::max(0, m_selected - 1);
        break;
    case Qt::Key_Home:
        block = 0;
        break;
    case Qt::Key_End:
        block = last;
        break;
    default:
        QWidget::keyPressEvent(event);
        return;
    }
    if (last >= 0)
        selectBlock(block);
}

void PairDiagram::mousePressEvent(QMouseEvent* event)
{
    const Places places(fontMetrics(), width());
    for (int row = 0; row < rows(); ++row)
        if (places.teacher(row).united(places.student(row)).contains(event->pos())) {
            selectBlock(row);
            return;
        }
    selectBlock(-1);
}

bool PairDiagram::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const Places places(fontMetrics(), width());
    for (int row = 0; row < rows(); ++row)
        for (const bool teacher : {true, false})
            if (const QRect box = teacher ? places.teacher(row) : places.student(row); box.contains(help->pos())) {
                QToolTip::showText(help->globalPos(), plainToolTip(details(*m_pair, row, teacher)), this, box);
                return true;
            }
    QToolTip::hideText();
    return true;
}

} // namespace pipebd::gui
