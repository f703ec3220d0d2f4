#include "gui/run_table_model.h"

#include "gui/run_text.h"

#include <QGuiApplication>
#include <QLocale>
#include <QRegularExpression>
#include <QTextDocument>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace pipebd::gui {

namespace {

bool looksSame(const store::RunRecord& a, const store::RunRecord& b)
{
    const auto parts = [](const store::RunRecord& run) {
        return std::tie(run.id, run.name, run.pair, run.strategy, run.devices, run.state, run.throughput, run.final_loss,
            run.created, run.started, run.finished, run.error, run.folder);
    };
    return parts(a) == parts(b);
}

/// Tool tips that look like HTML are rendered; names and errors come from files.
QString plainToolTip(const QString& text)
{
    return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text) : text;
}

} // namespace

void RunTableModel::setRuns(std::vector<store::RunRecord> runs)
{
    std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
    const auto has = [&](int id) { return std::any_of(runs.begin(), runs.end(), [id](const auto& run) { return run.id == id; }); };
    for (int row = static_cast<int>(m_runs.size()) - 1; row >= 0; --row) {
        if (has(m_runs[static_cast<std::size_t>(row)].id))
            continue;
        beginRemoveRows({}, row, row);
        m_runs.erase(m_runs.begin() + row);
        endRemoveRows();
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const int row = static_cast<int>(i);
        if (i >= m_runs.size() || m_runs[i].id != runs[i].id) {
            beginInsertRows({}, row, row);
            m_runs.insert(m_runs.begin() + row, std::move(runs[i]));
            endInsertRows();
        } else if (!looksSame(m_runs[i], runs[i])) {
            m_runs[i] = std::move(runs[i]);
            emit dataChanged(index(row, 0), index(row, ColumnCount - 1));
        } else {
            m_runs[i] = std::move(runs[i]);
        }
    }
}

const store::RunRecord* RunTableModel::find(int id) const
{
    const auto run = std::find_if(m_runs.begin(), m_runs.end(), [id](const auto& candidate) { return candidate.id == id; });
    return run == m_runs.end() ? nullptr : &*run;
}

QModelIndex RunTableModel::indexOf(int id) const
{
    const store::RunRecord* run = find(id);
    return run ? index(static_cast<int>(run - m_runs.data()), 0) : QModelIndex();
}

int RunTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_runs.size());
}

int RunTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant RunTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const store::RunRecord& run = m_runs[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        return text(run, column);
    case SortRole:
        return sortKey(run, column);
    case RunIdRole:
        return run.id;
    case Qt::ToolTipRole:
        return plainToolTip(toolTip(run, column));
    case Qt::DecorationRole:
        return column == State ? QVariant(stateIcon(run.state, QGuiApplication::palette())) : QVariant();
    case Qt::ForegroundRole:
        return column == State ? QVariant(stateColor(run.state, QGuiApplication::palette())) : QVariant();
    case Qt::TextAlignmentRole:
        return column == Id || column == Throughput || column == FinalLoss ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                                                           : QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    default:
        return {};
    }
}

QString RunTableModel::text(const store::RunRecord& run, int column) const
{
    switch (column) {
    case Id:
        return QString::number(run.id);
    case Name:
        return QString::fromStdString(run.name);
    case Strategy:
        return QString::fromStdString(run.strategy);
    case Devices:
        return devicesText(run.devices);
    case State:
        return stateWord(run.state);
    case Throughput:
        return run.throughput > 0 ? QLocale().toString(run.throughput, 'f', 1) : QString();
    case FinalLoss:
        return run.final_loss.empty() ? QString() : lossText(meanLoss(run.final_loss));
    case Started:
        return timeText(run.started);
    default:
        return {};
    }
}

QVariant RunTableModel::sortKey(const store::RunRecord& run, int column) const
{
    switch (column) {
    case Id:
        return run.id;
    case State:
        return static_cast<int>(run.state);
    case Throughput:
        return run.throughput;
    case FinalLoss: {
        const double loss = meanLoss(run.final_loss);
        return std::isfinite(loss) ? loss : std::numeric_limits<double>::max(); // without a loss comes last
    }
    case Started:
        return QString::fromStdString(run.started); // ISO 8601 sorts as text
    default:
        return text(run, column);
    }
}

QString RunTableModel::toolTip(const store::RunRecord& run, int column) const
{
    switch (column) {
    case Name:
        return QString::fromStdString(run.folder.string());
    case State:
        return run.error.empty() ? stateWord(run.state) : QString::fromStdString(run.error);
    case Throughput:
        return throughputText(run.throughput);
    case FinalLoss:
        return lossByBlockText(run.final_loss);
    default:
        return text(run, column);
    }
}

QVariant RunTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return section == Id || section == Throughput || section == FinalLoss ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                                                              : QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole)
        return {};
    switch (section) {
    case Id:
        return tr("Id");
    case Name:
        return tr("Name");
    case Strategy:
        return tr("Strategy");
    case Devices:
        return tr("Devices");
    case State:
        return tr("State");
    case Throughput:
        return role == Qt::DisplayRole ? tr("Samples/s") : tr("Throughput: samples a second by which all blocks advanced");
    case FinalLoss:
        return role == Qt::DisplayRole ? tr("Loss") : tr("Final loss: mean over the blocks of the last tenth of the steps");
    case Started:
        return tr("Started");
    default:
        return {};
    }
}

RunFilterModel::RunFilterModel(QObject* parent)
    : QSortFilterProxyModel(parent)
{
    setSortRole(RunTableModel::SortRole);
    setSortCaseSensitivity(Qt::CaseInsensitive);
    setDynamicSortFilter(true);
}

void RunFilterModel::setWords(const QString& words)
{
    static const QRegularExpression space(QStringLiteral("\\s+"));
    m_words = words.split(space, Qt::SkipEmptyParts);
    invalidateFilter();
}

bool RunFilterModel::filterAcceptsRow(int row, const QModelIndex& parent) const
{
    return std::all_of(m_words.begin(), m_words.end(), [&](const QString& word) {
        for (int column = 0; column < sourceModel()->columnCount(parent); ++column)
            if (sourceModel()->index(row, column, parent).data().toString().contains(word, Qt::CaseInsensitive))
                return true;
        return false;
    });
}

} // namespace pipebd::gui
