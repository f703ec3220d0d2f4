// How a run's record reads on the screen: words, colours and numbers in the user's locale.
#pragma once

#include "store/run_record.h"

#include <QColor>
#include <QIcon>
#include <QPalette>
#include <QString>

#include <string>
#include <vector>

namespace pipebd::gui {

QString stateWord(store::RunState state); // "Running"
QColor stateColor(store::RunState state, const QPalette& palette);
QIcon stateIcon(store::RunState state, const QPalette& palette);

QString devicesText(const std::vector<std::string>& devices); // "cpu, cpu"; many alike: "8 × cuda"
QString throughputText(double samplesPerSecond); // "1,234 samples/s", "–" for 0
QString lossText(double loss);
double meanLoss(const std::vector<double>& byBlock); // NaN if there is none
QString lossByBlockText(const std::vector<double>& byBlock); // a line a block

double epochSeconds(const std::string& iso); // since 1970; 0 if it is no time of a record
/// An ISO 8601 time of a record, in local time and short format; empty for an empty one.
QString timeText(const std::string& iso);
/// From `started` to `finished`, or to now while it has not; empty if it has not begun.
QString durationText(const store::RunRecord& record);

} // namespace pipebd::gui
