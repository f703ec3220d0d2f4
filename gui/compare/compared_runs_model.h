// ComparedRunsModel: the runs that were chosen for the comparison, a box each that says whether its curves are drawn.
#pragma once

#include "store/run_record.h"

#include <QAbstractListModel>

#include <vector>

namespace pipebd::gui {

class ComparedRunsModel : public QAbstractListModel {
    Q_OBJECT

public:
    enum Role { RunIdRole = Qt::UserRole };

    using QAbstractListModel::QAbstractListModel;

    void add(int run);
    void remove(int run);
    void clear();
    void setRecord(const store::RunRecord& record); // of a run that is there
    void setProblem(int run, const QString& problem); // why it, or a part of it, is not shown

    std::vector<int> runs() const; // as they were chosen
    bool contains(int run) const { return rowOf(run) >= 0; }
    bool isShown(int run) const;
    QString nameOf(int run) const;
    QStringList problems() const; // "Run 5: ..."

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

signals:
    void shownChanged(int run, bool shown);

private:
    struct Row {
        store::RunRecord record;
        bool isRead = false;
        bool shown = true;
        QString problem;
    };

    int rowOf(int run) const; // -1 if it is not there
    void changed(int row);

    std::vector<Row> m_rows;
};

} // namespace pipebd::gui
