// StartReading: what the Start dialog needs to know of the files that a request names: read in any thread.
#pragma once

#include "experiment/experiment.h"
#include "gui/lab/launcher.h"

#include <QString>
#include <QStringList>

#include <filesystem>
#include <optional>
#include <vector>

namespace pipebd::gui {

struct StartReading {
    struct Checkpoint {
        QString name; // "round-000000120"
        qint64 steps = 0; // of the block that is furthest behind
    };

    std::optional<experiment::Experiment> asInFile; // not there if the file cannot be used
    std::optional<experiment::Experiment> resolved; // with what the request lays over it; not there if that cannot be
    QStringList stages; // "distil", "finetune", in order
    std::vector<Checkpoint> checkpoints; // of the run to go on from, newest first
    QString problem; // one line; empty if the request can be started as far as its files tell
};

/// Reads the experiment file, or the checkpoint of the run to go on from. Throws nothing.
StartReading readStart(const StartRequest& request, const std::filesystem::path& lab);

/// A request that starts the same as `run` was: its experiment as it was resolved, schedule and devices. Reads the run's database.
/// Throws Error if that does not tell.
StartRequest requestToRepeat(const store::RunRecord& run);

} // namespace pipebd::gui
