// ComparisonTables: results and settings of the runs that are compared, a tab each.
#pragma once

#include "gui/compare/comparison_models.h"

#include <QTabWidget>

class QCheckBox;
class QTableView;

namespace pipebd::gui {

class ComparisonTables : public QTabWidget {
    Q_OBJECT

public:
    explicit ComparisonTables(QWidget* parent = nullptr);

    void setComparison(const Comparison& comparison);
    bool differencesOnly() const { return m_settings->differencesOnly(); }
    void setDifferencesOnly(bool on);

signals:
    void differencesOnlyChanged(bool on);

private:
    QTableView* addTable(ComparisonModel* model, const QString& title, const char* name);

    ResultsModel* m_results;
    SettingsModel* m_settings;
    std::vector<QTableView*> m_views;
    QCheckBox* m_differences;
};

} // namespace pipebd::gui
