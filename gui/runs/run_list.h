// RunList: the table of a lab's runs, with its filter, its columns, and what can be done with the runs in it.
#pragma once

#include "gui/lab/lab_follower.h"
#include "gui/runs/run_table_model.h"

#include <QWidget>

#include <optional>
#include <vector>

class QLabel;
class QLineEdit;
class QTableView;
class QToolButton;

namespace pipebd::gui {

class RunEdits;
class RunListActions;
class Settings;

class RunList : public QWidget {
    Q_OBJECT

public:
    explicit RunList(Settings& settings, QWidget* parent = nullptr);

    /// An empty list, whose changes go to this lab.
    void openLab(const std::filesystem::path& lab);
    void setRuns(const RunRecords& runs, const RunAnnotations& annotations = {});
    bool select(int id); // false if there is no such run
    void selectNewest(); // of those that are shown
    std::optional<int> selected() const; // the current one
    std::vector<ListedRun> selectedRuns() const; // as they stand on the screen
    std::vector<ListedRun> shownRuns() const;
    void setShowDeleted(bool on);

    const RunTableModel& model() const { return *m_model; }
    QTableView* view() const { return m_view; }
    QLineEdit* filterField() const { return m_filter; }
    RunListActions* actions() const { return m_actions; }
    RunEdits* edits() const { return m_edits; }

    void saveState();
    void restoreDefaultLayout();

signals:
    void runSelected(const pipebd::store::RunRecord& run);

private:
    void buildView();
    void restoreState();
    void showCount();
    void showColumnMenu(const QPoint& position);

    Settings& m_settings;
    RunTableModel* m_model;
    RunFilterModel* m_filtered;
    RunEdits* m_edits;
    QLineEdit* m_filter;
    QTableView* m_view;
    QLabel* m_count;
    QToolButton* m_compare;
    RunListActions* m_actions = nullptr;
};

} // namespace pipebd::gui
