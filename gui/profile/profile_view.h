// ProfileView: the figures of one or several profiles: three charts, and their twin as a table.
#pragma once

#include "gui/profile/profile_chart.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QLabel;
class QSplitter;
class QTableView;
class QTabWidget;

namespace pipebd::gui {

class BatchTimesChart;
class BlockMemoryChart;
class BlockTimesChart;
class RowsFilter;
class RowsModel;
class Settings;

class ProfileView : public QWidget {
    Q_OBJECT

public:
    explicit ProfileView(QWidget* parent = nullptr);

    /// The first is the one that is looked at, the others are laid beside it.
    void setProfiles(std::vector<ShownProfile> profiles, const QString& problems);
    int samples() const; // of the batch size that is chosen; 0: none

    std::vector<ProfileChart*> charts() const;
    RowsModel* figures() const { return m_figures; }

    void saveState(Settings& settings) const;
    bool restoreState(Settings& settings); // false if it does not fit
    void restoreDefaultLayout();

signals:
    void exportRequested(pipebd::gui::ProfileChart* chart);

private:
    void nameParts();
    void layOut();
    QLayout* buildControls();
    void fillTabs();
    void samplesChosen();
    void fillSizes();
    void fillBlocks();

    ShownProfiles m_profiles;
    QLabel* m_title;
    QLabel* m_summary;
    QLabel* m_problems;
    QComboBox* m_sizes;
    QComboBox* m_blocks;
    QCheckBox* m_logarithmic;
    QTabWidget* m_tabs;
    QSplitter* m_rows;
    QSplitter* m_columns;
    BlockTimesChart* m_times;
    BatchTimesChart* m_overBatch;
    BlockMemoryChart* m_memory;
    QTableView* m_table;
    RowsModel* m_figures;
    RowsFilter* m_sorted;
};

} // namespace pipebd::gui
