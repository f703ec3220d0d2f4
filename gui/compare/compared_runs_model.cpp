#include "gui/compare/compared_runs_model.h"

#include "gui/lab/run_text.h"
#include "gui/runs/run_look.h"

#include <QGuiApplication>
#include <QTextDocument>

#include <algorithm>

namespace pipebd::gui {

void ComparedRunsModel::add(int run)
{
    if (contains(run))
        return;
    const auto end = static_cast<int>(m_rows.size());
    beginInsertRows({}, end, end);
    m_rows.emplace_back();
    m_rows.back().record.id = run;
    endInsertRows();
}

void ComparedRunsModel::remove(int run)
{
    const int row = rowOf(run);
    if (row < 0)
        return;
    beginRemoveRows({}, row, row);
    m_rows.erase(m_rows.begin() + row);
    endRemoveRows();
}

void ComparedRunsModel::clear()
{
    beginResetModel();
    m_rows.clear();
    endResetModel();
}

void ComparedRunsModel::setRecord(const store::RunRecord& record)
{
    const int row = rowOf(record.id);
    if (row < 0)
        return;
    Row& own = m_rows[static_cast<std::size_t>(row)];
    own.record = record;
    own.isRead = true;
    changed(row);
}

void ComparedRunsModel::setProblem(int run, const QString& problem)
{
    const int row = rowOf(run);
    if (row < 0 || m_rows[static_cast<std::size_t>(row)].problem == problem)
        return;
    m_rows[static_cast<std::size_t>(row)].problem = problem;
    changed(row);
}

void ComparedRunsModel::changed(int row)
{
    emit dataChanged(index(row), index(row));
}

std::vector<int> ComparedRunsModel::runs() const
{
    std::vector<int> ids;
    for (const Row& row : m_rows)
        ids.push_back(row.record.id);
    return ids;
}

int ComparedRunsModel::rowOf(int run) const
{
    const auto found = std::find_if(m_rows.begin(), m_rows.end(), [run](const Row& row) { return row.record.id == run; });
    return found == m_rows.end() ? -1 : static_cast<int>(found - m_rows.begin());
}

bool ComparedRunsModel::isShown(int run) const
{
    const int row = rowOf(run);
    return row >= 0 && m_rows[static_cast<std::size_t>(row)].shown;
}

QString ComparedRunsModel::nameOf(int run) const
{
    const int row = rowOf(run);
    return row < 0 ? QString() : QString::fromStdString(m_rows[static_cast<std::size_t>(row)].record.name);
}

QStringList ComparedRunsModel::problems() const
{
    QStringList all;
    for (const Row& row : m_rows)
        if (!row.problem.isEmpty())
            all << tr("Run %1: %2").arg(QString::number(row.record.id), row.problem);
    return all;
}

int ComparedRunsModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant ComparedRunsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const QString name = QStringLiteral("%1 %2").arg(row.record.id).arg(QString::fromStdString(row.record.name));
    switch (role) {
    case Qt::DisplayRole:
        return row.problem.isEmpty() ? name : name + QStringLiteral(" ⚠");
    case Qt::DecorationRole:
        return swatchOf(row.record.id, QGuiApplication::palette());
    case Qt::CheckStateRole:
        return row.shown ? Qt::Checked : Qt::Unchecked;
    case Qt::ToolTipRole: {
        QString text = row.isRead ? tr("%1: %2").arg(name, stateWord(row.record.state)) : tr("%1: loading").arg(name);
        if (row.isRead && !row.record.strategy.empty())
            text += QStringLiteral("\n%1, %2").arg(QString::fromStdString(row.record.strategy), devicesText(row.record.devices));
        if (!row.problem.isEmpty())
            text += QLatin1Char('\n') + row.problem;
        return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text) : text;
    }
    case RunIdRole:
        return row.record.id;
    default:
        return {};
    }
}

bool ComparedRunsModel::setData(const QModelIndex& index, const QVariant& value, int role)
{
    if (role != Qt::CheckStateRole || !checkIndex(index, CheckIndexOption::IndexIsValid))
        return false;
    Row& row = m_rows[static_cast<std::size_t>(index.row())];
    row.shown = value.toInt() == Qt::Checked;
    changed(index.row());
    emit shownChanged(row.record.id, row.shown);
    return true;
}

Qt::ItemFlags ComparedRunsModel::flags(const QModelIndex& index) const
{
    return index.isValid() ? Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemNeverHasChildren
                           : Qt::NoItemFlags;
}

} // namespace pipebd::gui
