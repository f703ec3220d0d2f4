#include "gui/kit/table_copy.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QTableView>

#include <algorithm>

namespace pipebd::gui {

namespace {

QString cell(QString text)
{
    return text.replace(QLatin1Char('\t'), QLatin1Char(' ')).replace(QLatin1Char('\n'), QLatin1Char(' '));
}

} // namespace

QString selectionAsTsv(const QTableView& view)
{
    const QAbstractItemModel& model = *view.model();
    QList<int> columns;
    for (int place = 0; place < view.horizontalHeader()->count(); ++place)
        if (const int column = view.horizontalHeader()->logicalIndex(place); !view.isColumnHidden(column))
            columns << column;

    QList<int> rows;
    for (const QModelIndex& index : view.selectionModel()->selectedRows())
        rows << index.row();
    if (rows.isEmpty())
        for (int row = 0; row < model.rowCount(); ++row)
            rows << row;
    std::sort(rows.begin(), rows.end());

    QStringList line;
    for (const int column : std::as_const(columns))
        line << cell(model.headerData(column, Qt::Horizontal).toString());
    QString text = line.join(QLatin1Char('\t')) + QLatin1Char('\n');
    for (const int row : std::as_const(rows)) {
        line.clear();
        for (const int column : std::as_const(columns))
            line << cell(model.index(row, column).data().toString());
        text += line.join(QLatin1Char('\t')) + QLatin1Char('\n');
    }
    return text;
}

QAction* addCopyAction(QTableView* view)
{
    auto* copy = new QAction(QObject::tr("&Copy rows"), view);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    copy->setStatusTip(QObject::tr("Copy the selected rows as tab-separated text"));
    QObject::connect(copy, &QAction::triggered, view, [view] { QApplication::clipboard()->setText(selectionAsTsv(*view)); });
    view->addAction(copy);
    return copy;
}

} // namespace pipebd::gui
