// RunUpdate: what a reader has newly found in a run's database.
#pragma once

#include "store/run_store.h"

#include <QMetaType>
#include <QString>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace pipebd::gui {

using SeriesPoint = store::SamplePoint;
using SeriesPoints = store::SamplePoints;

struct RunUpdate {
    std::optional<store::RunRecord> record; // if it may have changed
    std::optional<int> batch; // global, samples; once it is known
    SeriesPoints overview; // of a long run, before any of its samples: some from all over it; to be drawn until `caughtUp`
    SeriesPoints points; // new ones, each series in the order in which they were stored
    std::vector<store::LogLine> log; // new lines
    QString damage; // what is wrong with the database of a run that has ended, as one line; empty: nothing, or not known yet
    bool caughtUp = false; // nothing stored before this read began is still missing
};

} // namespace pipebd::gui

Q_DECLARE_METATYPE(std::shared_ptr<const pipebd::gui::RunUpdate>)
