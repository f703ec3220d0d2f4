// Tables as text files.
#pragma once

#include <QByteArray>
#include <QtCore/qnamespace.h>

class QAbstractItemModel;

namespace pipebd::gui {

/// All rows and columns of `table` as CSV (base/csv.h); numbers where the model has one behind a cell's text (`numberRole`), else
/// the text.
QByteArray tableAsCsv(const QAbstractItemModel& table, int numberRole = Qt::UserRole);

} // namespace pipebd::gui
