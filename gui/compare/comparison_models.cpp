#include "gui/compare/comparison_models.h"

#include "base/units.h"
#include "gui/kit/number_text.h"
#include "gui/lab/run_text.h"
#include "gui/runs/run_look.h"

#include <QCoreApplication>
#include <QFont>
#include <QGuiApplication>
#include <QLocale>
#include <QTextDocument>

#include <algorithm>
#include <cmath>
#include <map>

namespace pipebd::gui {

namespace {

QString runTitle(const store::RunRecord& run)
{
    return QStringLiteral("%1 %2").arg(run.id).arg(QString::fromStdString(run.name));
}

QString plain(const QString& text)
{
    return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text) : text;
}

QString secondsText(double seconds)
{
    return seconds < 60 ? QCoreApplication::translate("Results", "%1 s").arg(QLocale().toString(seconds, 'g', 3))
                        : QString::fromStdString(format_milliseconds(1000 * seconds));
}

} // namespace

QString resultName(const store::ComparedResult& result)
{
    static const std::map<std::string, const char*, std::less<>> names{{"throughput", QT_TRANSLATE_NOOP("Results", "Throughput")},
        {"measured_step", QT_TRANSLATE_NOOP("Results", "Step, measured")},
        {"predicted_step", QT_TRANSLATE_NOOP("Results", "Step, predicted")},
        {"prediction_error", QT_TRANSLATE_NOOP("Results", "Prediction error")},
        {"wall_time", QT_TRANSLATE_NOOP("Results", "Duration")}, {"first_loss", QT_TRANSLATE_NOOP("Results", "First loss")},
        {"final_loss", QT_TRANSLATE_NOOP("Results", "Final loss")},
        {"test_accuracy", QT_TRANSLATE_NOOP("Results", "Test accuracy")},
        {"test_accuracy_top5", QT_TRANSLATE_NOOP("Results", "Test accuracy, top 5")},
        {"peak_memory", QT_TRANSLATE_NOOP("Results", "Memory, measured peak")},
        {"planned_memory", QT_TRANSLATE_NOOP("Results", "Memory, planned")},
        {"macs", QT_TRANSLATE_NOOP("Results", "Multiply-accumulates")}, {"parameters", QT_TRANSLATE_NOOP("Results", "Parameters")}};
    const auto known = names.find(result.key);
    const QString name
        = known == names.end() ? QString::fromStdString(result.key) : QCoreApplication::translate("Results", known->second);
    return result.block < 0 ? name : QCoreApplication::translate("Results", "%1, block %2").arg(name).arg(result.block);
}

QString resultText(double value, store::Unit unit, const std::string& key)
{
    switch (unit) {
    case store::Unit::SamplesPerSecond:
        return throughputText(value);
    case store::Unit::Milliseconds:
        return millisecondsText(value);
    case store::Unit::Seconds:
        return secondsText(value);
    case store::Unit::Bytes:
        return QString::fromStdString(format_bytes(std::llround(value)));
    case store::Unit::Share:
        return key == "prediction_error" ? signedText(100 * value, 1) + QStringLiteral(" %")
                                         : QLocale().toString(100 * value, 'f', 2) + QStringLiteral(" %");
    case store::Unit::Count:
        return QLocale().toString(std::llround(value));
    case store::Unit::Number:
        break;
    }
    return lossText(value);
}

void ComparisonModel::setComparison(const Comparison& comparison)
{
    beginResetModel();
    m_comparison = comparison ? comparison : std::make_shared<const store::RunComparison>();
    endResetModel();
}

int ComparisonModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : rows();
}

int ComparisonModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : 1 + runCount() + furtherColumns();
}

QVariant ComparisonModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount())
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (section == 0)
        return role == Qt::DisplayRole ? QVariant(firstTitle()) : QVariant();
    if (section > runCount())
        return furtherHeader(section - runCount() - 1, role);
    const store::RunRecord& run = comparison().runs[static_cast<std::size_t>(section - 1)].record;
    switch (role) {
    case Qt::DisplayRole:
        return runTitle(run);
    case Qt::ToolTipRole:
        return plain(QStringLiteral("%1: %2").arg(runTitle(run), stateWord(run.state)));
    case Qt::DecorationRole:
        return swatchOf(run.id, QGuiApplication::palette());
    default:
        return {};
    }
}

QVariant ResultsModel::furtherHeader(int column, int role) const
{
    const store::Repetition& group = comparison().repetitions[static_cast<std::size_t>(column)];
    QStringList ids;
    for (const std::size_t run : group.runs)
        ids << QString::number(comparison().runs[run].record.id);
    switch (role) {
    case Qt::DisplayRole:
        return tr("Seeds: %1").arg(ids.join(QStringLiteral(", ")));
    case Qt::ToolTipRole:
        return tr("Runs that differ only in their seeds: mean and standard deviation of the finished ones");
    default:
        return {};
    }
}

QString ResultsModel::text(const store::ComparedResult& result, int row, int column) const
{
    if (column == 0)
        return resultName(result);
    if (column <= runCount()) {
        const auto run = static_cast<std::size_t>(column - 1);
        const std::optional<double>& value = result.values[run];
        if (!value)
            return QStringLiteral("–");
        const QString words = resultText(*value, result.unit, result.key);
        return result.best[run] ? words + QStringLiteral(" ★") : words;
    }
    const store::Repetition& group = comparison().repetitions[static_cast<std::size_t>(column - runCount() - 1)];
    const std::optional<store::RepeatedResult>& repeated = group.results[static_cast<std::size_t>(row)];
    if (!repeated)
        return QStringLiteral("–");
    const QString mean = resultText(repeated->mean, result.unit, result.key);
    return repeated->count < 2
        ? mean
        : QStringLiteral("%1 ± %2").arg(mean, resultText(repeated->deviation, result.unit, {})); // a deviation has no sign
}

QVariant ResultsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const store::ComparedResult& result = comparison().results[static_cast<std::size_t>(index.row())];
    const int column = index.column();
    const bool best = column > 0 && column <= runCount() && result.best[static_cast<std::size_t>(column - 1)];
    switch (role) {
    case Qt::DisplayRole:
        return text(result, index.row(), column);
    case Qt::FontRole: {
        QFont bold;
        bold.setBold(true);
        return best ? QVariant(bold) : QVariant();
    }
    case Qt::ToolTipRole:
    case Qt::AccessibleDescriptionRole:
        return best ? QVariant(tr("Best of these runs")) : QVariant();
    default:
        return {};
    }
}

int SettingsModel::rows() const
{
    const auto& all = comparison().settings;
    return static_cast<int>(m_differencesOnly
            ? std::count_if(all.begin(), all.end(), [](const store::ComparedSetting& setting) { return setting.differs; })
            : static_cast<std::ptrdiff_t>(all.size()));
}

void SettingsModel::setDifferencesOnly(bool on)
{
    if (m_differencesOnly == on)
        return;
    beginResetModel();
    m_differencesOnly = on;
    endResetModel();
}

const store::ComparedSetting& SettingsModel::setting(int row) const
{
    const auto& all = comparison().settings;
    if (!m_differencesOnly)
        return all[static_cast<std::size_t>(row)];
    auto found = all.begin();
    for (int left = row; !found->differs || left > 0; ++found)
        left -= found->differs ? 1 : 0;
    return *found;
}

QVariant SettingsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || !checkIndex(index, CheckIndexOption::ParentIsInvalid)) // views ask for no index when they copy nothing
        return {};
    const store::ComparedSetting& row = setting(index.row());
    switch (role) {
    case Qt::DisplayRole: {
        if (index.column() == 0)
            return QString::fromStdString(row.key);
        const std::optional<std::string>& value = row.values[static_cast<std::size_t>(index.column() - 1)];
        return value && *value != "null" ? QString::fromStdString(*value) : QStringLiteral("–");
    }
    case Qt::ToolTipRole:
        return plain(index.data().toString());
    case Qt::FontRole: {
        QFont bold;
        bold.setBold(true);
        return row.differs && index.column() == 0 ? QVariant(bold) : QVariant();
    }
    default:
        return {};
    }
}

} // namespace pipebd::gui
