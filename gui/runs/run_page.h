// RunPage: one run: its header, its charts and how they are drawn, the timeline of its last steps; follows the run while it is
// live.
#pragma once

#include "gui/charts/curve.h"
#include "gui/lab/run_follower.h"
#include "store/run_record.h"

#include <QTimer>
#include <QWidget>

#include <array>
#include <memory>
#include <optional>
#include <vector>

class QButtonGroup;
class QCheckBox;
class QSplitter;
class QTabWidget;

namespace pipebd::gui {

class MetricChart;
class RunHeader;
class RunTimeline;
class Settings;
class SmoothingSlider;

class RunPage : public QWidget {
    Q_OBJECT

public:
    explicit RunPage(Settings& settings, QWidget* parent = nullptr);
    ~RunPage() override;

    /// Shows `run`; nothing happens if it is the one on the page.
    void follow(const store::RunRecord& run);
    void leave();

    std::optional<int> runId() const;
    const store::RunRecord& record() const { return m_record; }
    /// What was stored when the run was opened is on the page, on the view in front.
    bool isLoaded() const;
    std::vector<MetricChart*> charts() const { return {m_charts.begin(), m_charts.end()}; }

    RunTimeline* timeline() const { return m_timeline; }
    void showCharts();
    void showTimeline();
    bool showsCharts() const;

    void setXAxis(XAxis axis);
    void setSmoothing(double weight);
    void setLogScale(bool on);
    void fitAll(); // of the view in front
    /// Draws what is there now, without waiting for the timer.
    void drawNow();
    void saveState();
    void restoreDefaultLayout();

signals:
    /// isLoaded() may have become true.
    void loaded();
    void recordChanged(const pipebd::store::RunRecord& record);
    void logRead(const std::vector<pipebd::store::LogLine>& lines);
    void exportRequested(pipebd::gui::MetricChart* chart);
    void traceExportRequested();
    void viewChanged(); // to charts or timeline

private:
    QWidget* buildControls();
    void buildCharts();
    void restoreState();
    void take(const RunUpdate& update);
    void showPrediction();
    void becomeLoaded();

    Settings& m_settings;
    RunHeader* m_header;
    QTabWidget* m_views;
    std::array<MetricChart*, 4> m_charts{}; // loss, throughput, memory, utilisation
    RunTimeline* m_timeline;
    QSplitter* m_columns;
    QSplitter* m_losses;
    QSplitter* m_rows;
    QButtonGroup* m_axisButtons;
    QCheckBox* m_logBox;
    SmoothingSlider* m_smoothing;
    QTimer m_replotTimer;
    std::unique_ptr<RunFollower> m_follower;
    store::RunRecord m_record;
    int m_batch = 0;
    bool m_loaded = false;
};

} // namespace pipebd::gui
