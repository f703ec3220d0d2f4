#include "gui/runs/run_timeline.h"

#include "gui/timeline/timeline_view.h"
#include "schedule/comparison.h"
#include "store/run_timelines.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QSpinBox>
#include <QVBoxLayout>

#include <chrono>
#include <memory>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto pauseBetweenReadings = 1s;
constexpr int stepsAtFirst = 2;
constexpr int mostSteps = 8;

void addUse(const schedule::Timeline& timeline, std::vector<StepTimelines::Use>& use, double StepTimelines::Use::*member)
{
    const std::vector<double> busy = schedule::busy_share(timeline);
    use.resize(std::max(use.size(), busy.size()));
    for (std::size_t device = 0; device < busy.size(); ++device)
        use[device].*member = busy[device];
}

QString percentText(double share)
{
    return RunTimeline::tr("%1 %").arg(QLocale().toString(100 * share, 'f', 0));
}

QString useText(const StepTimelines& timelines)
{
    QStringList devices;
    for (std::size_t device = 0; device < timelines.use.size(); ++device) {
        const StepTimelines::Use& use = timelines.use[device];
        const QString name = (timelines.measured ? timelines.measured : timelines.predicted)->devices[device].name;
        if (use.measured >= 0 && use.predicted >= 0)
            devices << RunTimeline::tr("%1 %2 (predicted %3)").arg(name, percentText(use.measured), percentText(use.predicted));
        else
            devices << QStringLiteral("%1 %2").arg(name, percentText(std::max(use.measured, use.predicted)));
    }
    return devices.isEmpty() ? QString() : RunTimeline::tr("Busy: %1").arg(devices.join(QStringLiteral("  ·  ")));
}

} // namespace

StepTimelines readStepTimelines(const std::filesystem::path& runFolder, const std::vector<std::string>& devices, int steps)
{
    const store::RunStore store(runFolder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    if (store.document("program").empty())
        return {};
    const store::RunTimelines all = store::timelines_of(store);
    schedule::SideBySide cut = schedule::side_by_side(all.program, all.predicted, all.measured, steps);
    const auto program = std::make_shared<const schedule::Program>(all.program);
    std::vector<QString> names;
    for (std::size_t rank = 0; rank < devices.size(); ++rank)
        names.push_back(RunTimeline::tr("Device %1 (%2)").arg(rank).arg(QString::fromStdString(devices[rank])));

    StepTimelines timelines;
    if (cut.measured.spans.empty() && !all.predicted.timeline.spans.empty())
        cut.predicted = all.predicted.timeline; // nothing measured to cut it to
    if (!cut.predicted.spans.empty()) {
        timelines.predicted = drawnTimeline(
            RunTimeline::tr("predicted"), program, cut.predicted, std::move(cut.memory), DrawnTimeline::Kind::Predicted, names);
        addUse(cut.predicted, timelines.use, &StepTimelines::Use::predicted);
    }
    if (!cut.measured.spans.empty()) {
        timelines.measured
            = drawnTimeline(RunTimeline::tr("measured"), program, cut.measured, {}, DrawnTimeline::Kind::Measured, names);
        addUse(cut.measured, timelines.use, &StepTimelines::Use::measured);
    }
    return timelines;
}

RunTimeline::RunTimeline(QWidget* parent)
    : QWidget(parent)
    , m_view(new TimelineView(this))
    , m_use(new QLabel(this))
    , m_steps(new QSpinBox(this))
    , m_reading([this](const StepTimelines& timelines) { take(timelines); },
          [this](const QString& error) {
              take({});
              m_view->setEmptyText(error);
          })
{
    setObjectName(QStringLiteral("runTimeline"));
    m_use->setObjectName(QStringLiteral("deviceUse"));
    m_use->setTextFormat(Qt::PlainText);
    m_use->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_use->setWordWrap(true);
    m_use->setToolTip(tr("Share of these steps in which each device computes"));
    m_steps->setObjectName(QStringLiteral("timelineSteps"));
    m_steps->setRange(1, mostSteps);
    m_steps->setValue(stepsAtFirst);
    auto* label = new QLabel(tr("Last &recorded steps:"), this);
    label->setBuddy(m_steps);
    auto* row = new QHBoxLayout;
    row->setContentsMargins(12, 4, 12, 4);
    row->addWidget(label);
    row->addWidget(m_steps);
    row->addSpacing(16);
    row->addWidget(m_use, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addLayout(row);
    layout->addWidget(m_view, 1);

    m_pause.setSingleShot(true);
    m_pause.setInterval(pauseBetweenReadings);
    connect(&m_pause, &QTimer::timeout, this, &RunTimeline::readIfDue);
    connect(m_steps, &QSpinBox::valueChanged, this, &RunTimeline::readAgain);
    connect(m_view, &TimelineView::exportRequested, this, &RunTimeline::exportRequested);
}

void RunTimeline::follow(const store::RunRecord& run)
{
    leave();
    m_run = run;
    readAgain();
}

void RunTimeline::leave()
{
    m_run = {};
    m_stale = false;
    m_pause.stop();
    m_reading.forget();
    m_view->setTimelines({});
    m_view->setEmptyText(tr("Reading the run…"));
    m_use->clear();
}

void RunTimeline::markNew(const store::RunRecord& run)
{
    if (run.folder != m_run.folder)
        return;
    m_run = run;
    m_stale = true;
    readIfDue();
}

void RunTimeline::readAgain()
{
    m_pause.stop();
    m_stale = !m_run.folder.empty();
    readIfDue();
}

bool RunTimeline::isSettled() const
{
    return !isVisible() || (!m_reading.isBusy() && (!m_stale || m_pause.isActive()));
}

void RunTimeline::readIfDue()
{
    if (!m_stale || !isVisible() || m_pause.isActive() || m_reading.isBusy())
        return;
    m_stale = false;
    m_reading.request([folder = m_run.folder, devices = m_run.devices, steps = m_steps->value()] {
        return readStepTimelines(folder, devices, steps);
    });
}

void RunTimeline::take(const StepTimelines& timelines)
{
    m_use->setText(useText(timelines));
    if (timelines.predicted && timelines.measured) {
        m_view->setOverlay(timelines.predicted, timelines.measured);
    } else {
        std::vector<DrawnTimelinePtr> one;
        for (const DrawnTimelinePtr& timeline : {timelines.predicted, timelines.measured})
            if (timeline)
                one.push_back(timeline);
        if (one.empty())
            m_view->setEmptyText(store::is_final(m_run.state) ? tr("This run has no recorded steps and no prediction")
                                                              : tr("Waiting for the first recorded step"));
        m_view->setTimelines(std::move(one));
    }
    m_pause.start();
    emit settled();
}

void RunTimeline::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    readIfDue();
}

} // namespace pipebd::gui
