// ComparePage: any number of runs side by side: curves, results, settings. Runs that go on are followed.
#pragma once

#include "gui/compare/comparison_models.h"
#include "gui/kit/background.h"
#include "gui/lab/page.h"
#include "gui/lab/run_update.h"

#include <QTimer>

#include <map>
#include <memory>
#include <set>

class QLabel;
class QListView;
class QSplitter;
class QStackedWidget;

namespace pipebd::gui {

class ComparedRunsModel;
class ComparisonCharts;
class ComparisonTables;
class MetricChart;
class RunFollower;
class Settings;

class ComparePage : public Page {
    Q_OBJECT

public:
    explicit ComparePage(Settings& settings, QWidget* parent = nullptr);
    ~ComparePage() override;

    void setRuns(const std::vector<int>& ids);
    void addRuns(const std::vector<int>& ids);
    std::vector<int> runs() const;
    const store::RunComparison& comparison() const { return *m_comparison; }
    ComparisonCharts* charts() const { return m_charts; }

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    void fitAll() override;
    bool canFitAll() const override { return true; }
    void drawNow() override;
    void saveState() override;
    void restoreDefaultLayout() override;

private:
    struct Read {
        Comparison comparison;
        std::vector<int> missing;
    };

    QWidget* buildChooser();
    void createActions();
    void setDefaultSizes();
    void chooseRuns();
    void removeRuns(const std::vector<int>& ids);
    std::vector<int> selectedRuns() const;
    void read();
    void take(const Read& read);
    void follow(const store::RunRecord& run);
    void takeUpdate(int run, const RunUpdate& update);
    void settle(int run);
    void showRuns();
    void showProblems();
    void exportChart(MetricChart* chart);
    void exportTables();
    void exportReport();
    void writeInBackground(const QString& file, const QString& option, std::function<QByteArray()> contents);

    Settings& m_settings;
    std::filesystem::path m_lab;
    ComparedRunsModel* m_runs;
    Comparison m_comparison = std::make_shared<const store::RunComparison>();
    Background<Read> m_reading;
    QTimer m_readAgain; // while a run goes on
    std::map<int, std::unique_ptr<RunFollower>> m_followers;
    std::set<int> m_waitedFor; // whose stored samples are not all here
    QStackedWidget* m_stack;
    QSplitter* m_columns;
    QSplitter* m_rows;
    QListView* m_list;
    ComparisonCharts* m_charts;
    ComparisonTables* m_tables;
    QLabel* m_problems;
    QAction* m_add = nullptr;
    QAction* m_remove = nullptr;
    QAction* m_removeAll = nullptr;
    QAction* m_exportTables = nullptr;
    QAction* m_exportReport = nullptr;
    std::vector<QAction*> m_exportCharts;
};

} // namespace pipebd::gui
