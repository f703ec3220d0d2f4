#include "gui/runs/run_table_model.h"

#include "gui/kit/rows_model.h"
#include "gui/lab/run_text.h"

#include <QFont>
#include <QGuiApplication>
#include <QPalette>

#include <algorithm>
#include <tuple>

namespace pipebd::gui {

namespace {

bool looksSame(const store::RunRecord& a, const store::RunRecord& b)
{
    const auto parts = [](const store::RunRecord& run) {
        return std::tie(run.id, run.name, run.pair, run.strategy, run.devices, run.state, run.throughput, run.final_loss,
            run.created, run.started, run.finished, run.error, run.folder, run.steps, run.steps_done, run.accuracy,
            run.predicted_step, run.measured_step, run.stage);
    };
    return parts(a) == parts(b);
}

bool isNewer(const ListedRun& a, const ListedRun& b)
{
    return a.run.id > b.run.id;
}

} // namespace

void RunTableModel::setRuns(const std::vector<store::RunRecord>& runs, const std::map<int, store::Annotation>& annotations)
{
    std::vector<ListedRun> listed;
    listed.reserve(runs.size());
    for (const store::RunRecord& run : runs) {
        const auto said = annotations.find(run.id);
        listed.push_back({run, said == annotations.end() ? store::Annotation{} : said->second});
    }
    std::stable_sort(listed.begin(), listed.end(), isNewer);
    const auto has = [&](const ListedRun& row) { return std::binary_search(listed.begin(), listed.end(), row, isNewer); };
    for (int last = static_cast<int>(m_runs.size()) - 1; last >= 0; --last) {
        if (has(at(last)))
            continue;
        int first = last;
        while (first > 0 && !has(at(first - 1)))
            --first;
        beginRemoveRows({}, first, last);
        m_runs.erase(m_runs.begin() + first, m_runs.begin() + last + 1);
        endRemoveRows();
        last = first;
    }
    for (std::size_t i = 0; i < listed.size(); ++i) {
        const int row = static_cast<int>(i);
        if (i < m_runs.size() && m_runs[i].run.id == listed[i].run.id) {
            const bool same = looksSame(m_runs[i].run, listed[i].run) && m_runs[i].annotation == listed[i].annotation;
            m_runs[i] = std::move(listed[i]);
            if (!same)
                emit dataChanged(index(row, 0), index(row, runColumnCount - 1));
            continue;
        }
        std::size_t end = i + 1; // of what stands before the next row that is there already
        while (end < listed.size() && (i >= m_runs.size() || listed[end].run.id > m_runs[i].run.id))
            ++end;
        beginInsertRows({}, row, static_cast<int>(end) - 1);
        m_runs.insert(m_runs.begin() + row, std::make_move_iterator(listed.begin() + row),
            std::make_move_iterator(listed.begin() + static_cast<std::ptrdiff_t>(end)));
        endInsertRows();
        i = end - 1;
    }
}

void RunTableModel::setAnnotation(int id, const store::Annotation& annotation)
{
    const QModelIndex changed = indexOf(id);
    if (!changed.isValid())
        return;
    m_runs[static_cast<std::size_t>(changed.row())].annotation = annotation;
    emit dataChanged(changed, changed.siblingAtColumn(runColumnCount - 1));
}

const ListedRun* RunTableModel::find(int id) const
{
    const auto run = std::find_if(m_runs.begin(), m_runs.end(), [id](const auto& candidate) { return candidate.run.id == id; });
    return run == m_runs.end() ? nullptr : &*run;
}

QModelIndex RunTableModel::indexOf(int id) const
{
    const ListedRun* run = find(id);
    return run ? index(static_cast<int>(run - m_runs.data()), 0) : QModelIndex();
}

int RunTableModel::deletedCount() const
{
    return static_cast<int>(std::count_if(m_runs.begin(), m_runs.end(), [](const ListedRun& run) { return run.isDeleted(); }));
}

std::set<std::string> RunTableModel::tags() const
{
    std::set<std::string> all;
    for (const ListedRun& run : m_runs)
        all.insert(run.annotation.tags.begin(), run.annotation.tags.end());
    return all;
}

int RunTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : runColumnCount;
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const ListedRun& listed = at(index.row());
    const auto column = static_cast<RunColumn>(index.column());
    switch (role) {
    case Qt::DisplayRole:
        return textOf(listed, column);
    case SortRole:
        return sortKeyOf(listed, column);
    case RunIdRole:
        return listed.run.id;
    case Qt::ToolTipRole:
        return plainToolTip(toolTipOf(listed, column));
    case Qt::DecorationRole:
        return column == RunColumn::State ? QVariant(stateIcon(listed.run.state, QGuiApplication::palette())) : QVariant();
    case Qt::ForegroundRole:
        if (listed.isDeleted())
            return QGuiApplication::palette().color(QPalette::PlaceholderText);
        return column == RunColumn::State ? QVariant(stateColor(listed.run.state, QGuiApplication::palette())) : QVariant();
    case Qt::FontRole:
        if (listed.isDeleted()) {
            QFont struck;
            struck.setStrikeOut(true);
            return struck;
        }
        return {};
    case Qt::TextAlignmentRole:
        return headerData(index.column(), Qt::Horizontal, role);
    default:
        return {};
    }
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= runColumnCount)
        return {};
    const auto column = static_cast<RunColumn>(section);
    switch (role) {
    case Qt::TextAlignmentRole:
        return QVariant((isNumeric(column) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    case Qt::DisplayRole:
        return titleOf(column);
    case Qt::ToolTipRole:
        return explanationOf(column);
    default:
        return {};
    }
}

RunFilterModel::RunFilterModel(QObject* parent)
    : FilterModel(RunTableModel::SortRole, parent)
{
}

void RunFilterModel::takeWords(const QString& words)
{
    m_filter = RunFilter(words);
}

void RunFilterModel::setShowDeleted(bool on)
{
    m_showDeleted = on;
    invalidateFilter();
}

bool RunFilterModel::accepts(int row) const
{
    const ListedRun& run = static_cast<const RunTableModel*>(sourceModel())->at(row);
    return (m_showDeleted || !run.isDeleted()) && m_filter.accepts(run);
}

} // namespace pipebd::gui
