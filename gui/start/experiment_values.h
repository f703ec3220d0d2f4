// The keys of an experiment and their values, as `--set` takes them. Pure.
#pragma once

#include "experiment/experiment.h"

#include <QString>
#include <QStringList>

#include <map>

namespace pipebd::gui {

/// By dotted key, every one that there is; empty where nothing is given.
std::map<QString, QString> valuesOf(const experiment::Experiment& experiment);

/// Dotted, sorted.
const QStringList& experimentKeys();

} // namespace pipebd::gui
