// RunTimeline: the last recorded steps of a run, measured over predicted, and how busy each device was.
//
// Read in the background while it is shown; of a live run again when something was stored, at most once a second.
#pragma once

#include "gui/kit/background.h"
#include "gui/timeline/drawn_timeline.h"
#include "store/run_record.h"

#include <QTimer>
#include <QWidget>

#include <filesystem>
#include <vector>

class QLabel;
class QSpinBox;

namespace pipebd::gui {

class TimelineView;

/// What is read of a run for that.
struct StepTimelines {
    struct Use { // of one device, busy / length; -1: not known
        double predicted = -1;
        double measured = -1;
    };

    DrawnTimelinePtr predicted; // null if the run was not planned
    DrawnTimelinePtr measured; // null if no step was recorded
    std::vector<Use> use; // by device
};

/// Of the newest `steps` recorded steps. Thread-safe. Throws Error for a run that cannot be read.
StepTimelines readStepTimelines(const std::filesystem::path& runFolder, const std::vector<std::string>& devices, int steps);

class RunTimeline : public QWidget {
    Q_OBJECT

public:
    explicit RunTimeline(QWidget* parent = nullptr);

    void follow(const store::RunRecord& run);
    void leave();
    /// The run has stored something, or its state is another.
    void markNew(const store::RunRecord& run);

    /// Nothing that is stored and should be shown is missing.
    bool isSettled() const;
    TimelineView* view() const { return m_view; }

signals:
    void settled();
    void exportRequested();

protected:
    void showEvent(QShowEvent* event) override;

private:
    void readIfDue();
    void readAgain();
    void take(const StepTimelines& timelines);

    TimelineView* m_view;
    QLabel* m_use;
    QSpinBox* m_steps;
    store::RunRecord m_run;
    QTimer m_pause; // between two readings
    bool m_stale = false;
    Background<StepTimelines> m_reading;
};

} // namespace pipebd::gui
