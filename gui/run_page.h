// RunPage: one run: its header, its three charts, and how they are drawn; follows the run while it is live.
#pragma once

#include "gui/curve.h"
#include "gui/run_follower.h"
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

namespace pipebd::gui {

class MetricChart;
class RunHeader;
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
    bool isLoaded() const { return m_loaded; }
    std::vector<MetricChart*> charts() const { return {m_charts.begin(), m_charts.end()}; }

    void setXAxis(XAxis axis);
    void setSmoothing(double weight);
    void setLogScale(bool on);
    void fitAll();
    /// Draws what is there now, without waiting for the timer.
    void drawNow();
    void saveState();
    void restoreDefaultLayout();

signals:
    /// What was stored when the run was opened is on the page; once for each follow().
    void loaded();
    void recordChanged(const pipebd::store::RunRecord& record);
    void logRead(const std::vector<pipebd::store::LogLine>& lines);
    void exportRequested(pipebd::gui::MetricChart* chart);

private:
    QWidget* buildControls();
    void buildCharts();
    void restoreState();
    void take(const RunUpdate& update);
    void showPrediction();
    void becomeLoaded();

    Settings& m_settings;
    RunHeader* m_header;
    std::array<MetricChart*, 3> m_charts{}; // loss, throughput, memory
    QSplitter* m_columns;
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
