// FilterModel: the rows of a table that match what is typed above it, sorted by what stands behind their cells.
#pragma once

#include <QSortFilterProxyModel>

class QLineEdit;
class QTableView;

namespace pipebd::gui {

/// Texts are sorted whatever their case; what has nothing to be sorted by comes last in either order.
class FilterModel : public QSortFilterProxyModel {
    Q_OBJECT

public:
    FilterModel(int sortRole, QObject* parent);
    void setWords(const QString& words);

protected:
    /// From now on accepts() goes by these.
    virtual void takeWords(const QString& words) = 0;
    /// A row of the source.
    virtual bool accepts(int row) const = 0;

    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;
    bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
};

/// Makes the row of `source`, an index of what `filtered` filters, the one that is selected in `view` and shows it. If what is
/// typed into `field` hides it, that is cleared.
void selectShown(QTableView& view, const FilterModel& filtered, QLineEdit& field, const QModelIndex& source);

} // namespace pipebd::gui
