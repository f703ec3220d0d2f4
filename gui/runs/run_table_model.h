// RunTableModel: the runs of a lab, a row each; and the proxy that filters and sorts them.
#pragma once

#include "gui/kit/filter_model.h"
#include "gui/runs/run_columns.h"
#include "gui/runs/run_filter.h"

#include <QAbstractTableModel>

#include <map>
#include <set>
#include <vector>

namespace pipebd::gui {

class RunTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Role { SortRole = Qt::UserRole, RunIdRole };

    using QAbstractTableModel::QAbstractTableModel;

    /// Changes, inserts and removes only the rows that differ, so that selection and scroll position stay.
    void setRuns(const std::vector<store::RunRecord>& runs, const std::map<int, store::Annotation>& annotations = {});
    void setAnnotation(int id, const store::Annotation& annotation);

    const ListedRun& at(int row) const { return m_runs[static_cast<std::size_t>(row)]; }
    const ListedRun* find(int id) const; // null if it is not there
    QModelIndex indexOf(int id) const;
    int deletedCount() const;
    std::set<std::string> tags() const; // that any run has

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::vector<ListedRun> m_runs; // newest first
};

/// Keeps the rows that the filter finds, deleted ones only if they are asked for.
class RunFilterModel : public FilterModel {
    Q_OBJECT

public:
    explicit RunFilterModel(QObject* parent = nullptr);
    void setShowDeleted(bool on);
    bool showsDeleted() const { return m_showDeleted; }

protected:
    void takeWords(const QString& words) override;
    bool accepts(int row) const override;

private:
    RunFilter m_filter;
    bool m_showDeleted = false;
};

} // namespace pipebd::gui
