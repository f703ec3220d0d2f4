#include "gui/kit/rows_model.h"

#include "gui/kit/table_copy.h"

#include <QHeaderView>
#include <QRegularExpression>
#include <QTableView>
#include <QTextDocument>

#include <algorithm>
#include <iterator>
#include <utility>

namespace pipebd::gui {

QString plainToolTip(const QString& text)
{
    return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text) : text;
}

RowsModel::RowsModel(std::vector<Column> columns, QObject* parent)
    : QAbstractTableModel(parent)
    , m_columns(std::move(columns))
{
}

namespace {

QSet<QString> idsOf(const std::vector<Row>& rows)
{
    QSet<QString> ids;
    for (const Row& row : rows)
        ids.insert(row.id);
    return ids;
}

QStringList idsWithin(const std::vector<Row>& rows, const QSet<QString>& wanted)
{
    QStringList ids;
    for (const Row& row : rows)
        if (wanted.contains(row.id))
            ids << row.id;
    return ids;
}

} // namespace

void RowsModel::setRows(std::vector<Row> rows)
{
    const QSet<QString> before = idsOf(m_rows);
    const QSet<QString> after = idsOf(rows);
    const qsizetype ticks = m_ticked.size();
    m_ticked.removeIf([&](const QString& id) { return !after.contains(id); });
    if (!before.intersects(after) || idsWithin(m_rows, after) != idsWithin(rows, before)) {
        beginResetModel();
        m_rows = std::move(rows);
        endResetModel();
    } else {
        removeOthers(after);
        takeOver(std::move(rows), before);
    }
    if (m_ticked.size() != ticks)
        emit tickedChanged();
}

void RowsModel::removeOthers(const QSet<QString>& staying)
{
    const auto goes = [&](int row) { return !staying.contains(m_rows[static_cast<std::size_t>(row)].id); };
    for (int last = rowCount() - 1; last >= 0; --last) {
        if (!goes(last))
            continue;
        int first = last;
        while (first > 0 && goes(first - 1))
            --first;
        beginRemoveRows({}, first, last);
        m_rows.erase(m_rows.begin() + first, m_rows.begin() + last + 1);
        endRemoveRows();
        last = first;
    }
}

// All that is here is among `rows`, in the same order.
void RowsModel::takeOver(std::vector<Row> rows, const QSet<QString>& before)
{
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const int row = static_cast<int>(i);
        if (before.contains(rows[i].id)) {
            if (m_rows[i] == rows[i])
                continue;
            m_rows[i] = std::move(rows[i]);
            emit dataChanged(index(row, 0), index(row, columnCount() - 1));
            continue;
        }
        std::size_t end = i + 1;
        while (end < rows.size() && !before.contains(rows[end].id))
            ++end;
        beginInsertRows({}, row, static_cast<int>(end) - 1);
        m_rows.insert(m_rows.begin() + row, std::make_move_iterator(rows.begin() + row),
            std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
        endInsertRows();
        i = end - 1;
    }
}

QModelIndex RowsModel::indexOf(const QString& id) const
{
    const auto row = std::find_if(m_rows.begin(), m_rows.end(), [&](const Row& candidate) { return candidate.id == id; });
    return row == m_rows.end() ? QModelIndex() : index(static_cast<int>(row - m_rows.begin()), 0);
}

void RowsModel::setTickable(bool on)
{
    beginResetModel();
    m_tickable = on;
    endResetModel();
}

QStringList RowsModel::ticked() const
{
    QStringList ids;
    for (const Row& row : m_rows)
        if (m_ticked.contains(row.id))
            ids << row.id;
    return ids;
}

void RowsModel::setTicked(const QStringList& ids)
{
    if (ids == m_ticked)
        return;
    m_ticked = ids;
    if (!m_rows.empty())
        emit dataChanged(index(0, 0), index(rowCount() - 1, 0), {Qt::CheckStateRole});
    emit tickedChanged();
}

int RowsModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int RowsModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_columns.size());
}

QVariant RowsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const Cell& cell = row.cells[static_cast<std::size_t>(index.column())];
    switch (role) {
    case Qt::DisplayRole:
        return cell.text;
    case SortRole:
        return cell.key.isValid() ? cell.key : cell.text;
    case IdRole:
        return row.id;
    case Qt::ToolTipRole:
        return plainToolTip(cell.toolTip.isEmpty() ? cell.text : cell.toolTip);
    case Qt::TextAlignmentRole:
        return headerData(index.column(), Qt::Horizontal, role);
    case Qt::CheckStateRole:
        if (m_tickable && index.column() == 0)
            return m_ticked.contains(row.id) ? Qt::Checked : Qt::Unchecked;
        return {};
    default:
        return {};
    }
}

bool RowsModel::setData(const QModelIndex& index, const QVariant& value, int role)
{
    if (role != Qt::CheckStateRole || !m_tickable || index.column() != 0 || !checkIndex(index, CheckIndexOption::IndexIsValid))
        return false;
    QStringList ids = m_ticked;
    const QString& id = m_rows[static_cast<std::size_t>(index.row())].id;
    ids.removeAll(id);
    if (value.toInt() == Qt::Checked)
        ids << id;
    setTicked(ids);
    return true;
}

Qt::ItemFlags RowsModel::flags(const QModelIndex& index) const
{
    Qt::ItemFlags flags = QAbstractTableModel::flags(index);
    if (index.isValid() && m_tickable && index.column() == 0)
        flags |= Qt::ItemIsUserCheckable;
    return flags;
}

QVariant RowsModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    const Column& column = m_columns[static_cast<std::size_t>(section)];
    switch (role) {
    case Qt::DisplayRole:
        return column.title;
    case Qt::ToolTipRole:
        return column.toolTip.isEmpty() ? column.title : column.toolTip;
    case Qt::TextAlignmentRole:
        return QVariant((column.isNumber ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    default:
        return {};
    }
}

RowsFilter::RowsFilter(RowsModel* rows)
    : FilterModel(RowsModel::SortRole, rows)
{
    setSourceModel(rows);
}

void RowsFilter::takeWords(const QString& words)
{
    static const QRegularExpression space(QStringLiteral("\\s+"));
    m_words = words.split(space, Qt::SkipEmptyParts);
}

bool RowsFilter::accepts(int row) const
{
    return std::all_of(m_words.begin(), m_words.end(), [&](const QString& word) {
        for (int column = 0; column < sourceModel()->columnCount(); ++column)
            if (sourceModel()->index(row, column).data().toString().contains(word, Qt::CaseInsensitive))
                return true;
        return false;
    });
}

void dressTable(QTableView* view)
{
    view->setSelectionBehavior(QAbstractItemView::SelectRows);
    view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    view->setEditTriggers(QAbstractItemView::NoEditTriggers);
    view->setSortingEnabled(true);
    view->setAlternatingRowColors(true);
    view->setShowGrid(false);
    view->setWordWrap(false);
    view->setTabKeyNavigation(false);
    view->setFrameShape(QFrame::NoFrame);
    view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    view->setContextMenuPolicy(Qt::ActionsContextMenu);
    view->setCornerWidget(new QWidget(view)); // of the colour of what is behind it
    view->verticalHeader()->hide();
    view->verticalHeader()->setDefaultSectionSize(view->fontMetrics().height() + 10);
    view->horizontalHeader()->setSectionsMovable(true);
    view->horizontalHeader()->setHighlightSections(false);
    addCopyAction(view);
}

} // namespace pipebd::gui
