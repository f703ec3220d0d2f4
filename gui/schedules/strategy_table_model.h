// StrategyTableModel: the strategies of a plan, a row each: what is wasted under each, as systems tabulate it, in numbers.
#pragma once

#include "schedule/plan.h"

#include <QAbstractTableModel>
#include <QIcon>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pipebd::gui {

struct PlanAnswer;

QString titleOf(const schedule::PlannedStrategy& planned); // title_of its schedule

/// Of the newest finished run that trained as a strategy was planned.
struct MeasuredStep {
    int run = 0;
    double step = 0; // ms
};

class StrategyTableModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column {
        Strategy,
        Placement,
        Step,
        Throughput,
        Speedup,
        Utilisation,
        IdleFill,
        IdleImbalance,
        IdleData,
        IdleCommunication,
        IdleBarrier,
        Imbalance,
        TeacherForwards,
        DatasetReads,
        Relayed,
        Memory,
        Epoch,
        Measured,
        Error,
        DecidedBy,
        ColumnCount
    };
    enum Role { SortRole = Qt::UserRole, TitleRole, FeasibleRole };

    using QAbstractTableModel::QAbstractTableModel;

    /// Rows stay the same while their strategies do, so that selection and scroll position stay.
    void setAnswer(std::shared_ptr<const PlanAnswer> answer);
    /// By title_of(schedule).
    void setMeasured(std::map<QString, MeasuredStep> measured);

    const schedule::PlannedStrategy* planned(int row) const;
    std::vector<int> measuredRuns() const; // what the measured steps are of, by row
    int rowOf(const QString& title) const; // -1: none
    int bestRow() const { return m_best; } // -1: none

    /// Whether the strategy's timeline is shown; the check box of a row.
    bool isShown(const QString& title) const { return !m_hidden.contains(title); }
    void setShown(const QString& title, bool shown);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

signals:
    void shownChanged();

private:
    QString text(const schedule::PlannedStrategy& planned, int column) const;
    QVariant number(const schedule::PlannedStrategy& planned, int column) const; // what text() formats; invalid if there is none
    QString toolTip(const schedule::PlannedStrategy& planned, int column) const;
    std::optional<MeasuredStep> measuredOf(const schedule::PlannedStrategy& planned) const;

    std::shared_ptr<const PlanAnswer> m_answer;
    std::map<QString, MeasuredStep> m_measured;
    std::set<QString> m_hidden;
    int m_best = -1;
};

} // namespace pipebd::gui
