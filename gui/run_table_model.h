// RunTableModel: the runs of a lab, a row each; and the proxy that filters and sorts them.
#pragma once

#include "store/run_record.h"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include <vector>

namespace pipebd::gui {

class RunTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Id, Name, Strategy, Devices, State, Throughput, FinalLoss, Started, ColumnCount };
    enum Role { SortRole = Qt::UserRole, RunIdRole };

    using QAbstractTableModel::QAbstractTableModel;

    /// Changes, inserts and removes only the rows that differ, so that selection and scroll position stay.
    void setRuns(std::vector<store::RunRecord> runs);

    const std::vector<store::RunRecord>& runs() const { return m_runs; }
    const store::RunRecord* find(int id) const;
    QModelIndex indexOf(int id) const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    QString text(const store::RunRecord& run, int column) const;
    QVariant sortKey(const store::RunRecord& run, int column) const;
    QString toolTip(const store::RunRecord& run, int column) const;

    std::vector<store::RunRecord> m_runs; // newest first
};

/// Keeps the rows in which some column contains every word of the filter.
class RunFilterModel : public QSortFilterProxyModel {
    Q_OBJECT

public:
    explicit RunFilterModel(QObject* parent = nullptr);
    void setWords(const QString& words);

protected:
    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

private:
    QStringList m_words;
};

} // namespace pipebd::gui
