#include "gui/pairs/pair_view.h"

#include "gui/kit/labels.h"
#include "gui/kit/number_text.h"
#include "gui/kit/rows_model.h"
#include "gui/pairs/pair_diagram.h"

#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QPainter>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr int pictureWidth = 900;

std::vector<Column> blockColumns()
{
    return {{PairView::tr("Block"), PairView::tr("T: teacher block, S: student block")}, {PairView::tr("Name")},
        {PairView::tr("Output"), PairView::tr("Shape for one sample")},
        {PairView::tr("Output bytes"), PairView::tr("Bytes per sample relayed to the next block, in float32"), true},
        {PairView::tr("Parameters"), PairView::tr("Number of parameters; for a supernet, of all candidates"), true},
        {PairView::tr("Bytes"), PairView::tr("Bytes of the weights, including batch norm statistics"), true},
        {PairView::tr("MACs"), PairView::tr("Multiply-accumulates per sample; for a supernet, the mean over its paths"), true},
        {PairView::tr("Smallest"), PairView::tr("MACs of the smallest path"), true},
        {PairView::tr("Largest"), PairView::tr("MACs of the largest path"), true},
        {PairView::tr("Candidates"), PairView::tr("Number of candidates in all cells of a supernet"), true}};
}

Cell number(std::int64_t count)
{
    return {QLocale().toString(qint64(count)), qint64(count)};
}

Row rowOf(const PairDescription& pair, int block, bool teacher)
{
    const PairBlock& both = pair.blocks[static_cast<std::size_t>(block)];
    const NetworkBlock& network = teacher ? both.teacher : both.student;
    const QString letter = (teacher ? QStringLiteral("T%1") : QStringLiteral("S%1")).arg(block);
    return {letter,
        {{letter, 2 * block + (teacher ? 0 : 1), PairDiagram::details(pair, block, teacher)}, {both.name},
            {shapeText(network.output)}, {bytesText(activationBytes(network.output)), qint64(activationBytes(network.output))},
            number(network.parameters), {bytesText(network.bytes), qint64(network.bytes)}, number(network.macs.mean),
            number(network.macs.smallest), number(network.macs.largest),
            network.candidates > 0 ? number(network.candidates) : Cell{{}, 0}}};
}

} // namespace

PairView::PairView(QWidget* parent)
    : QWidget(parent)
    , m_title(selectableLabel(this))
    , m_summary(selectableLabel(this))
    , m_stack(new QStackedWidget(this))
    , m_says(selectableLabel(m_stack))
    , m_tabs(new QTabWidget(m_stack))
    , m_scroll(new QScrollArea(m_tabs))
    , m_diagram(new PairDiagram(m_scroll))
    , m_table(new QTableView(m_tabs))
    , m_rows(new RowsModel(blockColumns(), this))
    , m_sorted(new RowsFilter(m_rows))
{
    m_title->setObjectName(QStringLiteral("pairTitle"));
    scaleFont(m_title, 1.4, true);
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_summary->setWordWrap(true);
    m_says->setObjectName(QStringLiteral("pairSays"));
    m_says->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_says->setWordWrap(true);
    m_says->setContentsMargins(0, 16, 16, 16);

    m_scroll->setWidget(m_diagram);
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setFocusProxy(m_diagram);
    dressTable(m_table);
    m_table->setModel(m_sorted);
    m_table->setObjectName(QStringLiteral("blocksTable"));
    m_table->setAccessibleName(tr("Blocks of teacher and student"));
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_table->sortByColumn(0, Qt::AscendingOrder);
    m_tabs->setDocumentMode(true);
    m_tabs->setObjectName(QStringLiteral("pairTabs"));
    m_tabs->addTab(m_scroll, tr("&Diagram"));
    m_tabs->addTab(m_table, tr("&Table"));
    m_stack->addWidget(m_says);
    m_stack->addWidget(m_tabs);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 8, 0, 0);
    layout->setSpacing(2);
    layout->addWidget(m_title);
    layout->addWidget(m_summary);
    layout->addSpacing(4);
    layout->addWidget(m_stack, 1);

    connect(m_diagram, &PairDiagram::blockSelected, this, &PairView::blockSelected);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
        if (current.isValid())
            m_diagram->selectBlock(current.data(RowsModel::IdRole).toString().mid(1).toInt());
    });
    showNothing();
}

void PairView::setTitle(const PairEntry& entry)
{
    m_title->setText(entry.name);
    m_summary->setText(tr("%1 · input %2 · %3 classes · %4 blocks")
                           .arg(entry.imported ? tr("Imported") : tr("Built in"), inputText(entry.input, entry.vocabulary),
                               QLocale().toString(qint64(entry.classes)), QLocale().toString(entry.blocks.size())));
}

void PairView::say(const QString& text)
{
    m_says->setText(text);
    m_stack->setCurrentWidget(m_says);
}

void PairView::show(const PairEntry& entry, const PairDescription& pair)
{
    setTitle(entry);
    if (!pair.isBlockwise())
        m_summary->setText(m_summary->text() + tr(" · output shapes differ: end-to-end strategies only"));
    std::vector<Row> rows;
    for (int block = 0; block < static_cast<int>(pair.blocks.size()); ++block)
        for (const bool teacher : {true, false})
            rows.push_back(rowOf(pair, block, teacher));
    const bool another = !m_diagram->pair() || m_diagram->pair()->name != pair.name;
    m_diagram->setPair(pair);
    m_rows->setRows(std::move(rows));
    if (another) {
        m_scroll->ensureVisible(0, 0);
        m_table->selectionModel()->clear();
        m_table->resizeColumnsToContents();
    }
    m_stack->setCurrentWidget(m_tabs);
}

void PairView::showWaiting(const PairEntry& entry)
{
    setTitle(entry);
    m_diagram->clear();
    m_rows->setRows({});
    say(tr("Loading pair…"));
}

void PairView::showError(const PairEntry& entry, const QString& error)
{
    setTitle(entry);
    m_diagram->clear();
    m_rows->setRows({});
    say(error);
}

void PairView::showNothing()
{
    m_title->clear();
    m_summary->clear();
    m_diagram->clear();
    m_rows->setRows({});
    say({});
}

void PairView::blockSelected(int block)
{
    if (block < 0)
        return;
    const QRect row = m_diagram->blockRect(block);
    m_scroll->ensureVisible(row.center().x(), row.center().y(), 0, row.height() / 2);
    const QString current = m_table->currentIndex().data(RowsModel::IdRole).toString();
    if (current.isEmpty() || current.mid(1).toInt() != block)
        m_table->setCurrentIndex(m_sorted->mapFromSource(m_rows->indexOf(QStringLiteral("T%1").arg(block))));
}

Picture PairView::picture() const
{
    if (!m_diagram->pair())
        return {};
    return {m_title->text(), m_diagram->sizeFor(pictureWidth), [this](QPaintDevice* device) {
                QPainter painter(device);
                m_diagram->paint(painter, pictureWidth);
            }};
}

} // namespace pipebd::gui
