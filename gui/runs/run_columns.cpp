#include "gui/runs/run_columns.h"

#include "gui/kit/number_text.h"
#include "gui/lab/run_text.h"
#include "store/run_comparison.h"

#include <QCoreApplication>
#include <QLocale>
#include <QStringList>

#include <array>
#include <cmath>

namespace pipebd::gui {

namespace {

QString tr(const char* text)
{
    return QCoreApplication::translate("RunColumns", text);
}

struct Description {
    const char* title;
    const char* explanation;
    const char* key;
    int width;
    bool numeric;
    bool shown;
};

// In the order of RunColumn.
constexpr std::array<Description, runColumnCount> descriptions{{
    {QT_TRANSLATE_NOOP("RunColumns", "Id"), QT_TRANSLATE_NOOP("RunColumns", "The run's number in this lab"), "id", 3, true, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Name"), QT_TRANSLATE_NOOP("RunColumns", "The name in its experiment"), "name", 13, false,
        true},
    {QT_TRANSLATE_NOOP("RunColumns", "Strategy"),
        QT_TRANSLATE_NOOP("RunColumns", "How blocks and batches are distributed over devices"), "strategy", 11, false, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Devices"), QT_TRANSLATE_NOOP("RunColumns", "One device per rank"), "devices", 9, false, true},
    {QT_TRANSLATE_NOOP("RunColumns", "State"), QT_TRANSLATE_NOOP("RunColumns", "Queued, running, or how it ended"), "state", 13,
        false, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Samples/s"),
        QT_TRANSLATE_NOOP("RunColumns", "Throughput: samples per second, with all blocks trained"), "throughput", 11, true, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Loss"),
        QT_TRANSLATE_NOOP("RunColumns", "Final loss: mean over the blocks in the last tenth of the steps"), "loss", 8, true, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Started"), QT_TRANSLATE_NOOP("RunColumns", "When its ranks started"), "started", 18, false,
        true},
    {QT_TRANSLATE_NOOP("RunColumns", "Pair"), QT_TRANSLATE_NOOP("RunColumns", "Teacher and student"), "pair", 13, false, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Stage"), QT_TRANSLATE_NOOP("RunColumns", "Training stage: teacher, distil or finetune"),
        "stage", 9, false, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Accuracy %"), QT_TRANSLATE_NOOP("RunColumns", "Accuracy of the student on the test split"),
        "accuracy", 11, true, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Step ms"),
        QT_TRANSLATE_NOOP("RunColumns", "Measured milliseconds per step of all blocks (median)"), "step", 9, true, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Predicted ms"),
        QT_TRANSLATE_NOOP("RunColumns", "Milliseconds per step as predicted by the simulator"), "predicted", 13, true, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Error %"),
        QT_TRANSLATE_NOOP("RunColumns", "Prediction error: predicted / measured - 1; negative: too optimistic"), "error", 9, true,
        false},
    {QT_TRANSLATE_NOOP("RunColumns", "Duration"), QT_TRANSLATE_NOOP("RunColumns", "From start to end, or until now"), "duration",
        11, true, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Steps"), QT_TRANSLATE_NOOP("RunColumns", "Steps done by the slowest rank, and all steps"),
        "steps", 11, true, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Tags"), QT_TRANSLATE_NOOP("RunColumns", "Your tags"), "tag", 14, false, true},
    {QT_TRANSLATE_NOOP("RunColumns", "Note"), QT_TRANSLATE_NOOP("RunColumns", "Your note"), "note", 20, false, false},
    {QT_TRANSLATE_NOOP("RunColumns", "Deleted"), QT_TRANSLATE_NOOP("RunColumns", "When it was deleted; it can be restored"),
        "deleted", 18, false, false},
}};

const Description& of(RunColumn column)
{
    return descriptions[static_cast<std::size_t>(column)];
}

std::optional<double> ifPositive(double value)
{
    return value > 0 ? std::optional(value) : std::nullopt;
}

QString decimals(std::optional<double> value, int count)
{
    return value ? QLocale().toString(*value, 'f', count) : QString();
}

} // namespace

QString titleOf(RunColumn column)
{
    return tr(of(column).title);
}

QString explanationOf(RunColumn column)
{
    return tr(of(column).explanation);
}

QString filterKeyOf(RunColumn column)
{
    return QString::fromLatin1(of(column).key);
}

bool isNumeric(RunColumn column)
{
    return of(column).numeric;
}

bool isShownAtFirst(RunColumn column)
{
    return of(column).shown;
}

int usualWidth(RunColumn column)
{
    return of(column).width;
}

std::optional<double> numberOf(const ListedRun& listed, RunColumn column)
{
    const store::RunRecord& run = listed.run;
    switch (column) {
    case RunColumn::Id:
        return run.id;
    case RunColumn::Throughput:
        return ifPositive(run.throughput);
    case RunColumn::FinalLoss: {
        const double loss = meanLoss(run.final_loss);
        return std::isfinite(loss) ? std::optional(loss) : std::nullopt;
    }
    case RunColumn::Accuracy:
        return run.accuracy >= 0 ? std::optional(100 * run.accuracy) : std::nullopt;
    case RunColumn::Step:
        return ifPositive(run.measured_step);
    case RunColumn::PredictedStep:
        return ifPositive(run.predicted_step);
    case RunColumn::PredictionError:
        return run.predicted_step > 0 && run.measured_step > 0 ? std::optional(100 * (run.predicted_step / run.measured_step - 1))
                                                               : std::nullopt;
    case RunColumn::Duration:
        return store::wall_seconds(run);
    case RunColumn::Steps:
        return static_cast<double>(run.steps_done);
    default:
        return std::nullopt;
    }
}

QString textOf(const ListedRun& listed, RunColumn column)
{
    const store::RunRecord& run = listed.run;
    switch (column) {
    case RunColumn::Id:
        return QString::number(run.id);
    case RunColumn::Name:
        return QString::fromStdString(run.name);
    case RunColumn::Strategy:
        return QString::fromStdString(run.strategy);
    case RunColumn::Devices:
        return devicesText(run.devices);
    case RunColumn::State:
        return stateWord(run.state);
    case RunColumn::Throughput:
    case RunColumn::Step:
    case RunColumn::PredictedStep:
        return decimals(numberOf(listed, column), 1);
    case RunColumn::FinalLoss:
        return run.final_loss.empty() ? QString() : lossText(meanLoss(run.final_loss));
    case RunColumn::Started:
        return timeText(run.started);
    case RunColumn::Pair:
        return QString::fromStdString(run.pair);
    case RunColumn::Stage:
        return QString::fromStdString(run.stage);
    case RunColumn::Accuracy:
        return decimals(numberOf(listed, column), 2);
    case RunColumn::PredictionError: {
        const std::optional<double> error = numberOf(listed, column);
        return error ? signedText(*error, 1) : QString();
    }
    case RunColumn::Duration:
        return durationText(run);
    case RunColumn::Steps:
        return run.steps > 0 ? QStringLiteral("%1 / %2").arg(QLocale().toString(run.steps_done), QLocale().toString(run.steps))
                             : QString();
    case RunColumn::Tags: {
        QStringList tags;
        for (const std::string& tag : listed.annotation.tags)
            tags << QString::fromStdString(tag);
        return tags.join(QStringLiteral(", "));
    }
    case RunColumn::Note:
        return QString::fromStdString(listed.annotation.note).simplified();
    case RunColumn::Deleted:
        return timeText(listed.annotation.deleted);
    case RunColumn::Count:
        break;
    }
    return {};
}

QString toolTipOf(const ListedRun& listed, RunColumn column)
{
    const store::RunRecord& run = listed.run;
    switch (column) {
    case RunColumn::Name: {
        const QString folder = QString::fromStdString(run.folder.string());
        return listed.isDeleted() ? tr("Deleted %1").arg(timeText(listed.annotation.deleted)) + QLatin1Char('\n') + folder : folder;
    }
    case RunColumn::State:
        return run.error.empty() ? stateWord(run.state) : QString::fromStdString(run.error);
    case RunColumn::Throughput:
        return throughputText(run.throughput);
    case RunColumn::FinalLoss:
        return lossByBlockText(run.final_loss);
    case RunColumn::Note:
        return QString::fromStdString(listed.annotation.note);
    default:
        return textOf(listed, column);
    }
}

QVariant sortKeyOf(const ListedRun& listed, RunColumn column)
{
    if (isNumeric(column)) {
        const std::optional<double> number = numberOf(listed, column);
        return number ? QVariant(*number) : QVariant();
    }
    switch (column) {
    case RunColumn::State:
        return static_cast<int>(listed.run.state);
    case RunColumn::Started:
        return QString::fromStdString(listed.run.started); // ISO 8601 sorts as text
    case RunColumn::Deleted:
        return QString::fromStdString(listed.annotation.deleted);
    default: {
        const QString text = textOf(listed, column);
        return text.isEmpty() ? QVariant() : QVariant(text);
    }
    }
}

} // namespace pipebd::gui
