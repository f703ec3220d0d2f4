#include "gui/kit/table_export.h"

#include "base/csv.h"

#include <QAbstractItemModel>

namespace pipebd::gui {

namespace {

bool isNumber(const QVariant& value)
{
    switch (value.typeId()) {
    case QMetaType::Int:
    case QMetaType::LongLong:
    case QMetaType::Double:
        return true;
    default:
        return false;
    }
}

} // namespace

QByteArray tableAsCsv(const QAbstractItemModel& table, int numberRole)
{
    CsvWriter csv;
    for (int column = 0; column < table.columnCount(); ++column)
        csv.text(table.headerData(column, Qt::Horizontal).toString().toStdString());
    csv.end_line();
    for (int row = 0; row < table.rowCount(); ++row) {
        for (int column = 0; column < table.columnCount(); ++column) {
            const QModelIndex index = table.index(row, column);
            if (const QVariant number = index.data(numberRole); isNumber(number))
                csv.number(number.toDouble());
            else
                csv.text(index.data().toString().toStdString());
        }
        csv.end_line();
    }
    return QByteArray::fromStdString(csv.contents());
}

} // namespace pipebd::gui
