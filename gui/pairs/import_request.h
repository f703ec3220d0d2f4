// What is to be imported as a pair, as the wizard has gathered it, and what pipebd answers (docs/formats/pair.md).
#pragma once

#include "gui/kit/rows_model.h"

#include <QByteArray>
#include <QString>
#include <QStringList>

namespace pipebd::gui {

struct ImportRequest {
    QString teacher; // files, absolute
    QString student;
    QString name;
    QString teacherBlocks; // empty: a block for each child of the network
    QString studentBlocks;
    bool endToEnd = false;
    QString input; // "3x224x224"; empty: the files tell
    int vocabulary = 0;
    bool trust = false; // programs among the files may be run
};

/// What follows "pipebd", but the lab.
QStringList importArguments(const ImportRequest& request);

/// The answer of `pipebd pairs import --json`.
struct ImportReport {
    QString name;
    QString folder;
    QString sha256;
    std::vector<Row> blocks; // cells as importColumns()
    QStringList remarks; // what gets no gradient
};

std::vector<Column> importColumns();

/// Throws Error{Protocol}.
ImportReport importReportFromJson(const QByteArray& json);

} // namespace pipebd::gui
