// ComparisonCharts: the charts of a comparison, side by side, and how they are drawn.
#pragma once

#include "gui/compare/comparison_chart.h"
#include "store/run_record.h"

#include <QTimer>
#include <QWidget>

#include <array>
#include <vector>

class QCheckBox;
class QComboBox;
class QGridLayout;

namespace pipebd::gui {

class Settings;
class SmoothingSlider;

class ComparisonCharts : public QWidget {
    Q_OBJECT

public:
    explicit ComparisonCharts(Settings& settings, QWidget* parent = nullptr);

    void addRun(const store::RunRecord& run);
    void removeRun(int run);
    void take(int run, const RunUpdate& update);
    void setShown(int run, bool shown);
    void setRepetitions(const std::vector<std::vector<int>>& groups);

    std::vector<ComparisonChart*> charts() const { return {m_charts.begin(), m_charts.end()}; }
    void fitAll();
    void drawNow();
    void saveState();
    void restoreDefaultLayout();

signals:
    void exportRequested(pipebd::gui::MetricChart* chart);

private:
    QWidget* buildPlaces();
    QWidget* buildControls();
    QComboBox* memberBox(ComparisonChart* chart, const QString& name);
    void arrange();
    void fillMembers();
    void apply();
    void restoreState();

    static constexpr std::size_t count = 4; // loss, throughput, memory, accuracy
    Settings& m_settings;
    std::array<ComparisonChart*, count> m_charts{};
    std::array<QCheckBox*, count> m_switches{};
    QGridLayout* m_grid;
    QComboBox* m_block;
    QComboBox* m_rank;
    QComboBox* m_axis;
    QCheckBox* m_logKeys;
    QCheckBox* m_logLoss;
    QCheckBox* m_ignoreOutliers;
    QCheckBox* m_bands;
    SmoothingSlider* m_smoothing;
    double m_weight = 0;
    bool m_hasRepetitions = false;
    QTimer m_replotTimer;
};

} // namespace pipebd::gui
