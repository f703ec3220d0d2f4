// RunList: the table of a lab's runs, with its filter.
#pragma once

#include "gui/lab_follower.h"
#include "gui/run_table_model.h"

#include <QWidget>

#include <optional>

class QLabel;
class QLineEdit;
class QTableView;

namespace pipebd::gui {

class Settings;

class RunList : public QWidget {
    Q_OBJECT

public:
    explicit RunList(Settings& settings, QWidget* parent = nullptr);

    void setRuns(const RunRecords& runs);
    bool select(int id); // false if there is no such run
    std::optional<int> selected() const;
    const RunTableModel& model() const { return *m_model; }
    QTableView* view() const { return m_view; }
    QLineEdit* filterField() const { return m_filter; }

    void saveState();
    void restoreDefaultLayout();

signals:
    void runSelected(const pipebd::store::RunRecord& run);

private:
    void restoreState();
    void showCount();

    Settings& m_settings;
    RunTableModel* m_model;
    RunFilterModel* m_filtered;
    QLineEdit* m_filter;
    QTableView* m_view;
    QLabel* m_count;
};

} // namespace pipebd::gui
