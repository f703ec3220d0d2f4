// The tables of a comparison: results and settings, a row each, a column a run.
#pragma once

#include "store/run_comparison.h"

#include <QAbstractTableModel>

#include <memory>
#include <vector>

namespace pipebd::gui {

using Comparison = std::shared_ptr<const store::RunComparison>;

/// What both have: a column for the row's name, then one for each run.
class ComparisonModel : public QAbstractTableModel {
    Q_OBJECT

public:
    using QAbstractTableModel::QAbstractTableModel;

    void setComparison(const Comparison& comparison); // null: none

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

protected:
    virtual int rows() const = 0;
    virtual int furtherColumns() const { return 0; } // after those of the runs
    virtual QVariant furtherHeader(int /*column*/, int /*role*/) const { return {}; }
    virtual QString firstTitle() const = 0;
    const store::RunComparison& comparison() const { return *m_comparison; }
    int runCount() const { return static_cast<int>(comparison().runs.size()); }

private:
    Comparison m_comparison = std::make_shared<const store::RunComparison>();
};

/// The best of a row is bold and has a star; after the runs a column for each group of repeated ones: mean and deviation.
class ResultsModel : public ComparisonModel {
    Q_OBJECT

public:
    using ComparisonModel::ComparisonModel;
    QVariant data(const QModelIndex& index, int role) const override;

protected:
    int rows() const override { return static_cast<int>(comparison().results.size()); }
    int furtherColumns() const override { return static_cast<int>(comparison().repetitions.size()); }
    QVariant furtherHeader(int column, int role) const override;
    QString firstTitle() const override { return tr("Result"); }

private:
    QString text(const store::ComparedResult& result, int row, int column) const;
};

class SettingsModel : public ComparisonModel {
    Q_OBJECT

public:
    using ComparisonModel::ComparisonModel;

    void setDifferencesOnly(bool on);
    bool differencesOnly() const { return m_differencesOnly; }
    QVariant data(const QModelIndex& index, int role) const override;

protected:
    int rows() const override;
    QString firstTitle() const override { return tr("Setting"); }

private:
    const store::ComparedSetting& setting(int row) const;

    bool m_differencesOnly = false;
};

/// "Throughput", "Final loss, block 2".
QString resultName(const store::ComparedResult& result);
QString resultText(double value, store::Unit unit, const std::string& key);

} // namespace pipebd::gui
