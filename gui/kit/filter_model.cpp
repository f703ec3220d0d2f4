#include "gui/kit/filter_model.h"

#include <QItemSelectionModel>
#include <QLineEdit>
#include <QTableView>

namespace pipebd::gui {

FilterModel::FilterModel(int sortRole, QObject* parent)
    : QSortFilterProxyModel(parent)
{
    setSortRole(sortRole);
    setSortCaseSensitivity(Qt::CaseInsensitive);
}

void FilterModel::setWords(const QString& words)
{
    takeWords(words);
    invalidateFilter();
}

bool FilterModel::filterAcceptsRow(int row, const QModelIndex& /*parent*/) const
{
    return accepts(row);
}

bool FilterModel::lessThan(const QModelIndex& left, const QModelIndex& right) const
{
    const bool leftKnown = left.data(sortRole()).isValid();
    const bool rightKnown = right.data(sortRole()).isValid();
    if (leftKnown != rightKnown)
        return sortOrder() == Qt::AscendingOrder ? leftKnown : rightKnown;
    return QSortFilterProxyModel::lessThan(left, right);
}

void selectShown(QTableView& view, const FilterModel& filtered, QLineEdit& field, const QModelIndex& source)
{
    if (!filtered.mapFromSource(source).isValid())
        field.clear(); // what is asked for is shown, whatever the filter says
    const QModelIndex index = filtered.mapFromSource(source);
    view.selectionModel()->setCurrentIndex(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
    view.scrollTo(index);
}

} // namespace pipebd::gui
