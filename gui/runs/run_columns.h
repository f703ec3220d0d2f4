// The columns of the table of runs: what each says of a run, in words, and as a key to sort and to filter by.
#pragma once

#include "store/annotation.h"
#include "store/run_record.h"

#include <QString>
#include <QVariant>

#include <optional>

namespace pipebd::gui {

/// A row of the table.
struct ListedRun {
    store::RunRecord run;
    store::Annotation annotation;

    bool isDeleted() const { return !annotation.deleted.empty(); }
};

/// Numbers that saved layouts hold: add at the end.
enum class RunColumn {
    Id,
    Name,
    Strategy,
    Devices,
    State,
    Throughput,
    FinalLoss,
    Started,
    Pair,
    Stage,
    Accuracy,
    Step,
    PredictedStep,
    PredictionError,
    Duration,
    Steps,
    Tags,
    Note,
    Deleted,
    Count
};
inline constexpr int runColumnCount = static_cast<int>(RunColumn::Count);

QString titleOf(RunColumn column); // short, for the header
QString explanationOf(RunColumn column);
QString filterKeyOf(RunColumn column); // "tag": what stands before the colon in a filter
bool isNumeric(RunColumn column);
bool isShownAtFirst(RunColumn column);
int usualWidth(RunColumn column); // in average characters

QString textOf(const ListedRun& run, RunColumn column); // in the user's locale; empty if it is not known
QString toolTipOf(const ListedRun& run, RunColumn column); // not HTML
QVariant sortKeyOf(const ListedRun& run, RunColumn column); // invalid if it is not known
std::optional<double> numberOf(const ListedRun& run, RunColumn column); // of a numeric column, in the unit that is shown

} // namespace pipebd::gui
