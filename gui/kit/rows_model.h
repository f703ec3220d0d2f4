// RowsModel: a table of texts; each row is known by an id, each cell has a key that it is sorted by and written to files as.
#pragma once

#include "gui/kit/filter_model.h"

#include <QAbstractTableModel>
#include <QSet>
#include <QString>
#include <QStringList>
#include <QVariant>

#include <vector>

class QTableView;

namespace pipebd::gui {

struct Column {
    QString title;
    QString toolTip = {};
    bool isNumber = false; // aligned to the right
};

struct Cell {
    QString text; // in the user's locale
    QVariant key = {}; // a number or a text; none: the text itself
    QString toolTip = {}; // as plain text
    bool operator==(const Cell&) const = default;
};

struct Row {
    QString id; // unique in the table
    std::vector<Cell> cells; // one a column
    bool operator==(const Row&) const = default;
};

class RowsModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Role { SortRole = Qt::UserRole, IdRole };

    explicit RowsModel(std::vector<Column> columns, QObject* parent = nullptr);

    /// Rows that stay keep their selection. Ticks of rows that go are forgotten.
    void setRows(std::vector<Row> rows);
    const std::vector<Row>& rows() const { return m_rows; }
    QModelIndex indexOf(const QString& id) const; // invalid if there is none

    /// Whether the first column has boxes to tick.
    void setTickable(bool on);
    QStringList ticked() const; // in the order of the rows
    void setTicked(const QStringList& ids); // emits tickedChanged() if it differs

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

signals:
    void tickedChanged();

private:
    void removeOthers(const QSet<QString>& staying);
    void takeOver(std::vector<Row> rows, const QSet<QString>& before);

    std::vector<Column> m_columns;
    std::vector<Row> m_rows;
    QStringList m_ticked;
    bool m_tickable = false;
};

/// Rows in which every word occurs somewhere, whatever its case.
class RowsFilter : public FilterModel {
    Q_OBJECT

public:
    explicit RowsFilter(RowsModel* rows);

protected:
    void takeWords(const QString& words) override;
    bool accepts(int row) const override;

private:
    QStringList m_words;
};

/// As the tables of the pages look and behave: rows, sortable, Ctrl+C.
void dressTable(QTableView* view);

/// The text as a tool tip that is never taken for HTML.
QString plainToolTip(const QString& text);

} // namespace pipebd::gui
