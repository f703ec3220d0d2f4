#include "gui/schedules/strategy_table_model.h"

#include "base/units.h"
#include "gui/kit/number_text.h"
#include "gui/schedules/planning.h"
#include "gui/schedules/strategy_words.h"
#include "schedule/stages.h"

#include <QFont>
#include <QLocale>
#include <QPalette>

#include <QApplication>

#include <algorithm>
#include <limits>
#include <numeric>

namespace pipebd::gui {

namespace {

using schedule::Idle;
using schedule::PlannedStrategy;

const QString none = QStringLiteral("–");

QString fromUtf8(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

double mean(const std::vector<double>& values)
{
    return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of the step, on the mean device.
double share(const PlannedStrategy& planned, double Idle::*cause)
{
    double sum = 0;
    for (const Idle& idle : planned.simulation.idle)
        sum += idle.*cause;
    const double all = planned.simulation.step * static_cast<double>(planned.simulation.idle.size());
    return all > 0 ? sum / all : 0;
}

std::int64_t mostMemory(const PlannedStrategy& planned)
{
    const auto most = std::max_element(planned.memory_bytes.begin(), planned.memory_bytes.end());
    return most == planned.memory_bytes.end() ? 0 : *most;
}

QString percentText(double fraction)
{
    return fraction < 0.0005 ? none : QLocale().toString(fraction * 100, 'f', 1) + QStringLiteral(" %");
}

double Idle::*causeOf(int column)
{
    switch (column) {
    case StrategyTableModel::IdleFill:
        return &Idle::fill;
    case StrategyTableModel::IdleImbalance:
        return &Idle::imbalance;
    case StrategyTableModel::IdleData:
        return &Idle::data;
    case StrategyTableModel::IdleCommunication:
        return &Idle::communication;
    default:
        return &Idle::barrier;
    }
}

} // namespace

QString titleOf(const PlannedStrategy& planned)
{
    return fromUtf8(title_of(planned.schedule));
}

void StrategyTableModel::setAnswer(std::shared_ptr<const PlanAnswer> answer)
{
    const auto titles = [](const PlanAnswer* of) {
        QStringList list;
        if (of)
            for (const PlannedStrategy& planned : of->plan.strategies)
                list << titleOf(planned);
        return list;
    };
    const bool sameRows = titles(m_answer.get()) == titles(answer.get());
    if (!sameRows)
        beginResetModel();
    m_answer = std::move(answer);
    const PlannedStrategy* best = m_answer ? schedule::best(m_answer->plan) : nullptr;
    m_best = best ? static_cast<int>(best - m_answer->plan.strategies.data()) : -1;
    if (!sameRows)
        endResetModel();
    else if (rowCount() > 0)
        emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
}

void StrategyTableModel::setMeasured(std::map<QString, MeasuredStep> measured)
{
    m_measured = std::move(measured);
    if (rowCount() > 0)
        emit dataChanged(index(0, Measured), index(rowCount() - 1, Error));
}

const PlannedStrategy* StrategyTableModel::planned(int row) const
{
    return row >= 0 && row < rowCount() ? &m_answer->plan.strategies[static_cast<std::size_t>(row)] : nullptr;
}

std::vector<int> StrategyTableModel::measuredRuns() const
{
    std::vector<int> runs;
    for (int row = 0; row < rowCount(); ++row)
        if (const auto measured = measuredOf(*planned(row)))
            runs.push_back(measured->run);
    return runs;
}

int StrategyTableModel::rowOf(const QString& title) const
{
    for (int row = 0; row < rowCount(); ++row)
        if (titleOf(*planned(row)) == title)
            return row;
    return -1;
}

void StrategyTableModel::setShown(const QString& title, bool shown)
{
    if (isShown(title) == shown)
        return;
    if (shown)
        m_hidden.erase(title);
    else
        m_hidden.insert(title);
    if (const int row = rowOf(title); row >= 0)
        emit dataChanged(index(row, Strategy), index(row, Strategy), {Qt::CheckStateRole});
    emit shownChanged();
}

int StrategyTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_answer ? 0 : static_cast<int>(m_answer->plan.strategies.size());
}

int StrategyTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant StrategyTableModel::data(const QModelIndex& index, int role) const
{
    const PlannedStrategy* row = index.isValid() ? planned(index.row()) : nullptr;
    if (!row)
        return {};
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        return text(*row, column);
    case SortRole: {
        const QVariant key = number(*row, column);
        return key.isValid() ? key : QVariant(text(*row, column));
    }
    case TitleRole:
        return titleOf(*row);
    case FeasibleRole:
        return row->schedule.feasible;
    case Qt::CheckStateRole:
        return column == Strategy && row->schedule.feasible ? QVariant(isShown(titleOf(*row)) ? Qt::Checked : Qt::Unchecked)
                                                            : QVariant();
    case Qt::TextAlignmentRole:
        return column == Strategy || column == Placement || column == DecidedBy ? QVariant(Qt::AlignLeft | Qt::AlignVCenter)
                                                                                : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    case Qt::FontRole:
        if (index.row() == m_best) {
            QFont font = QApplication::font();
            font.setBold(true);
            return font;
        }
        return {};
    case Qt::ForegroundRole:
        return row->schedule.feasible ? QVariant() : QVariant(QApplication::palette().brush(QPalette::PlaceholderText));
    case Qt::ToolTipRole:
        return toolTip(*row, column);
    case Qt::AccessibleTextRole:
        return column == Strategy && index.row() == m_best ? QVariant(tr("%1, the best").arg(titleOf(*row))) : QVariant();
    default:
        return {};
    }
}

bool StrategyTableModel::setData(const QModelIndex& index, const QVariant& value, int role)
{
    const PlannedStrategy* row = index.isValid() ? planned(index.row()) : nullptr;
    if (!row || role != Qt::CheckStateRole || index.column() != Strategy || !row->schedule.feasible)
        return false;
    setShown(titleOf(*row), value.toInt() == Qt::Checked);
    return true;
}

Qt::ItemFlags StrategyTableModel::flags(const QModelIndex& index) const
{
    Qt::ItemFlags flags = QAbstractTableModel::flags(index);
    if (index.isValid() && index.column() == Strategy && planned(index.row())->schedule.feasible)
        flags |= Qt::ItemIsUserCheckable;
    return flags;
}

QVariant StrategyTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    struct Heading {
        QString title;
        QString toolTip;
    };
    const std::array<Heading, ColumnCount> headings{
        Heading{tr("Strategy"), tr("Tick the strategies to show as timelines; ★: the best")},
        {tr("Blocks on devices"), tr("Which device trains which blocks")},
        {tr("Step"), tr("Predicted time to train all blocks on one batch, once the pipeline is full")},
        {tr("Samples/s"), tr("Predicted throughput, with all blocks trained")},
        {tr("Speedup"), tr("Speedup over dp; for end-to-end strategies, over ddp")},
        {tr("Utilisation"), tr("Share of the step spent computing, averaged over devices")},
        {tr("Idle: fill"), tr("Share of the step spent waiting for the pipeline to fill, averaged over devices")},
        {tr("Idle: imbalance"), tr("Share of the step spent waiting because another device has more work, averaged over devices")},
        {tr("Idle: data"),
            tr("Share of the step spent waiting for another device to produce or accept data, averaged over devices")},
        {tr("Idle: link"), tr("Share of the step spent waiting for a transfer or an all-reduce, averaged over devices")},
        {tr("Idle: barrier"), tr("Share of the step spent waiting at a barrier, averaged over devices")},
        {tr("Max/mean"), tr("Work of the busiest device, divided by the mean over devices")},
        {tr("Teacher passes"), tr("Forward passes of teacher blocks per sample")},
        {tr("Data reads"), tr("How often the data set is read until all blocks have seen it once")},
        {tr("Relayed"), tr("Bytes sent between devices per step")},
        {tr("Memory"), tr("Predicted peak memory of the fullest device, and its limit")},
        {tr("Epoch"), tr("Predicted time per epoch of all blocks")},
        {tr("Measured step"), tr("Median step of the newest finished run of this pair, batch, strategy and number of devices")},
        {tr("Prediction error"), tr("Predicted / measured - 1; negative: too optimistic")},
        {tr("Decided by"), tr("How blocks were assigned to devices, and among how many candidates")},
    };
    const Heading& heading = headings[static_cast<std::size_t>(section)];
    if (role == Qt::DisplayRole)
        return heading.title;
    if (role == Qt::ToolTipRole)
        return heading.toolTip;
    if (role == Qt::TextAlignmentRole)
        return section == Strategy || section == Placement || section == DecidedBy ? QVariant(Qt::AlignLeft | Qt::AlignVCenter)
                                                                                   : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    return {};
}

QVariant StrategyTableModel::number(const PlannedStrategy& planned, int column) const
{
    if (!planned.schedule.feasible)
        return column == Strategy || column == Placement || column == DecidedBy ? QVariant()
                                                                                : QVariant(std::numeric_limits<double>::infinity());
    switch (column) {
    case Step:
        return planned.simulation.step;
    case Throughput:
        return planned.throughput;
    case Speedup:
        return planned.speedup > 0 ? planned.speedup : planned.over_ddp;
    case Utilisation:
        return mean(planned.simulation.utilisation);
    case IdleFill:
    case IdleImbalance:
    case IdleData:
    case IdleCommunication:
    case IdleBarrier:
        return share(planned, causeOf(column));
    case Imbalance: {
        const std::vector<double>& busy = planned.simulation.busy;
        const double average = mean(busy);
        return average > 0 ? *std::max_element(busy.begin(), busy.end()) / average : 0.0;
    }
    case TeacherForwards:
        return planned.teacher_forwards;
    case DatasetReads:
        return planned.dataset_reads;
    case Relayed:
        return static_cast<qlonglong>(planned.relayed_bytes);
    case Memory:
        return static_cast<qlonglong>(mostMemory(planned));
    case Epoch:
        return planned.epoch;
    case Measured:
    case Error:
        if (const auto measured = measuredOf(planned))
            return column == Measured ? measured->step : planned.simulation.step / measured->step - 1;
        return std::numeric_limits<double>::infinity();
    default:
        return {};
    }
}

std::optional<MeasuredStep> StrategyTableModel::measuredOf(const PlannedStrategy& planned) const
{
    const auto found = m_measured.find(titleOf(planned));
    return found == m_measured.end() || !(found->second.step > 0) ? std::nullopt : std::optional(found->second);
}

QString StrategyTableModel::text(const PlannedStrategy& planned, int column) const
{
    const QLocale locale;
    if (column == Strategy)
        return m_answer && &planned == &m_answer->plan.strategies[static_cast<std::size_t>(std::max(m_best, 0))] && m_best >= 0
            ? tr("★ %1").arg(titleOf(planned))
            : titleOf(planned);
    if (!planned.schedule.feasible)
        return column == Placement ? tr("not possible: %1").arg(QString::fromStdString(planned.schedule.why_not)) : QString();
    const double value = number(planned, column).toDouble();
    switch (column) {
    case Placement:
        return QString::fromStdString(placement_text(planned.schedule));
    case Step:
        return (planned.interpolated.empty() ? QString() : fromUtf8(schedule::interpolation_mark)) + millisecondsText(value);
    case Throughput:
        return locale.toString(value, 'f', value < 1000 ? 1 : 0);
    case Speedup:
    case Imbalance:
        return value > 0 ? locale.toString(value, 'f', 2) : none;
    case Utilisation:
    case IdleFill:
    case IdleImbalance:
    case IdleData:
    case IdleCommunication:
    case IdleBarrier:
        return percentText(value);
    case TeacherForwards:
        return locale.toString(planned.teacher_forwards);
    case DatasetReads:
        return locale.toString(planned.dataset_reads);
    case Relayed:
        return planned.relayed_bytes > 0 ? bytesText(planned.relayed_bytes) : none;
    case Memory: {
        const auto& limit = m_answer->question.whatIf.memory_limit;
        return limit ? tr("%1 of %2").arg(bytesText(mostMemory(planned)), bytesText(*limit)) : bytesText(mostMemory(planned));
    }
    case Epoch:
        return value > 0 ? QString::fromStdString(format_milliseconds(value)) : none;
    case Measured:
        return measuredOf(planned) ? millisecondsText(value) : none;
    case Error:
        return measuredOf(planned) ? (value < 0 ? QStringLiteral("−") : QStringLiteral("+"))
                + locale.toString(std::abs(value) * 100, 'f', 1) + QStringLiteral(" %")
                                   : none;
    case DecidedBy: {
        QString how = QString::fromStdString(planned.schedule.decided_by);
        if (planned.schedule.candidates == std::numeric_limits<std::int64_t>::max())
            how = tr("%1 of more than 9e18").arg(how);
        else if (planned.schedule.candidates > 1)
            how = tr("%1 of %2").arg(how, locale.toString(static_cast<qlonglong>(planned.schedule.candidates)));
        return planned.schedule.note.empty() ? how : how + QStringLiteral(": ") + QString::fromStdString(planned.schedule.note);
    }
    default:
        return {};
    }
}

QString StrategyTableModel::toolTip(const PlannedStrategy& planned, int column) const
{
    if (column == Strategy)
        return strategyWords(planned.schedule.strategy);
    if (!planned.schedule.feasible)
        return QString::fromStdString(planned.schedule.why_not);
    QStringList lines;
    if (column == Memory)
        for (std::size_t device = 0; device < planned.memory_bytes.size(); ++device)
            lines << tr("device %1: %2").arg(device).arg(bytesText(planned.memory_bytes[device]));
    else if (column == Utilisation)
        for (std::size_t device = 0; device < planned.simulation.utilisation.size(); ++device)
            lines << tr("device %1: %2").arg(device).arg(percentText(planned.simulation.utilisation[device]));
    else if (column == Measured || column == Error) {
        if (const auto measured = measuredOf(planned))
            lines << tr("run %1").arg(measured->run);
    } else if (column == Step && !planned.interpolated.empty())
        lines << tr("interpolated, not measured: %1").arg(QString::fromStdString(in_words(planned.interpolated)));
    else if (column == Placement || column == DecidedBy)
        lines << text(planned, column);
    return lines.join(QLatin1Char('\n'));
}

} // namespace pipebd::gui
