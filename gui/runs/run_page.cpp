#include "gui/runs/run_page.h"

#include "gui/charts/metric_chart.h"
#include "gui/charts/smoothing_slider.h"
#include "gui/kit/settings.h"
#include "gui/lab/run_text.h"
#include "gui/runs/run_header.h"
#include "gui/runs/run_timeline.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_view.h"

#include <QButtonGroup>
#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QRadioButton>
#include <QSplitter>
#include <QTabWidget>
#include <QVBoxLayout>

#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto replotInterval = 50ms;

} // namespace

RunPage::RunPage(Settings& settings, QWidget* parent)
    : QWidget(parent)
    , m_settings(settings)
    , m_header(new RunHeader(this))
    , m_views(new QTabWidget(this))
    , m_timeline(new RunTimeline(m_views))
    , m_columns(new QSplitter(Qt::Horizontal, m_views))
    , m_losses(new QSplitter(Qt::Vertical, m_columns))
    , m_rows(new QSplitter(Qt::Vertical, m_columns))
{
    setObjectName(QStringLiteral("runPage"));
    buildCharts();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addWidget(m_header);
    layout->addWidget(m_views, 1);

    auto* chartsView = new QWidget(m_views);
    auto* chartsLayout = new QVBoxLayout(chartsView);
    chartsLayout->setContentsMargins({});
    chartsLayout->setSpacing(0);
    chartsLayout->addWidget(buildControls());
    chartsLayout->addWidget(m_columns, 1);
    m_views->setObjectName(QStringLiteral("runViews"));
    m_views->setDocumentMode(true);
    m_views->addTab(chartsView, tr("C&harts"));
    m_views->addTab(m_timeline, tr("T&imeline"));
    connect(m_views, &QTabWidget::currentChanged, this, &RunPage::viewChanged);
    connect(m_views, &QTabWidget::tabBarClicked, this, [this](int index) {
        if (m_views->widget(index) == m_timeline)
            QMetaObject::invokeMethod(
                m_timeline, [this] { m_timeline->view()->plot().setFocus(); }, Qt::QueuedConnection);
    });
    connect(m_timeline, &RunTimeline::settled, this, &RunPage::loaded);
    connect(m_timeline, &RunTimeline::exportRequested, this, &RunPage::traceExportRequested);
    restoreState();
    connect(&m_replotTimer, &QTimer::timeout, this, [this] {
        for (MetricChart* chart : m_charts)
            chart->replotIfNew();
    });
    m_replotTimer.start(replotInterval);
}

RunPage::~RunPage() = default;

void RunPage::buildCharts()
{
    using Quantity = MetricChart::Quantity;
    m_charts = {new MetricChart(Quantity::Loss, m_losses), new MetricChart(Quantity::Throughput, m_rows),
        new MetricChart(Quantity::Memory, m_rows), new MetricChart(Quantity::Utilisation, m_losses)};
    m_charts[3]->hide();
    m_columns->addWidget(m_losses);
    m_columns->addWidget(m_rows);
    for (QSplitter* splitter : {m_columns, m_losses, m_rows}) {
        splitter->setChildrenCollapsible(false);
        splitter->setHandleWidth(5);
    }
    restoreDefaultLayout();
    for (MetricChart* chart : m_charts) {
        connect(chart, &MetricChart::fitRequested, this, &RunPage::fitAll);
        connect(chart, &MetricChart::exportRequested, this, [this, chart] { emit exportRequested(chart); });
        connect(chart, &MetricChart::keysShown, this, [this, chart](const QCPRange& keys) {
            for (MetricChart* other : m_charts)
                if (other != chart)
                    other->showKeys(keys);
        });
    }
}

QWidget* RunPage::buildControls()
{
    auto* controls = new QWidget(this);
    auto* byStep = new QRadioButton(tr("&Step"), controls);
    auto* byTime = new QRadioButton(tr("&Time"), controls);
    m_axisButtons = new QButtonGroup(controls);
    m_axisButtons->addButton(byStep, static_cast<int>(XAxis::Step));
    m_axisButtons->addButton(byTime, static_cast<int>(XAxis::Time));
    connect(m_axisButtons, &QButtonGroup::idClicked, this, [this](int id) { setXAxis(static_cast<XAxis>(id)); });

    m_logBox = new QCheckBox(tr("&Log loss axis"), controls);
    connect(m_logBox, &QCheckBox::toggled, this, &RunPage::setLogScale);

    m_smoothing = new SmoothingSlider(controls);
    connect(m_smoothing, &SmoothingSlider::weightChanged, this, &RunPage::setSmoothing);

    auto* layout = new QHBoxLayout(controls);
    layout->setContentsMargins(12, 2, 12, 6);
    layout->setSpacing(8);
    layout->addWidget(new QLabel(tr("X axis:"), controls));
    layout->addWidget(byStep);
    layout->addWidget(byTime);
    layout->addSpacing(20);
    layout->addWidget(m_logBox);
    layout->addSpacing(20);
    layout->addWidget(m_smoothing);
    layout->addStretch();
    return controls;
}

void RunPage::restoreState()
{
    setXAxis(m_settings.xAxis());
    setLogScale(m_settings.logScale());
    setSmoothing(m_settings.smoothing());
    for (const auto& [name, splitter] : {std::pair(QStringLiteral("columns"), m_columns),
             std::pair(QStringLiteral("losses"), m_losses), std::pair(QStringLiteral("rows"), m_rows)}) {
        const QByteArray state = m_settings.state(name);
        if (!state.isEmpty() && !splitter->restoreState(state))
            m_settings.reportDamage();
    }
}

void RunPage::saveState()
{
    m_settings.setState(QStringLiteral("columns"), m_columns->saveState());
    m_settings.setState(QStringLiteral("losses"), m_losses->saveState());
    m_settings.setState(QStringLiteral("rows"), m_rows->saveState());
}

void RunPage::restoreDefaultLayout()
{
    m_columns->setSizes({560, 440});
    m_rows->setSizes({100, 100});
    m_losses->setSizes({100, 100});
    m_columns->setStretchFactor(0, 56);
    m_columns->setStretchFactor(1, 44);
}

void RunPage::follow(const store::RunRecord& run)
{
    if (m_follower && m_record.folder == run.folder)
        return;
    leave();
    m_record = run;
    m_header->setRecord(run);
    m_timeline->follow(run);
    emit recordChanged(m_record);
    m_follower = std::make_unique<RunFollower>(run.folder);
    connect(m_follower.get(), &RunFollower::updated, this, &RunPage::take);
    connect(m_follower.get(), &RunFollower::failed, this, [this](const QString& error) {
        m_header->setProblem(error);
        becomeLoaded();
    });
}

void RunPage::leave()
{
    m_follower.reset();
    m_record = {};
    m_batch = 0;
    m_loaded = false;
    m_header->setProblem({});
    m_timeline->leave();
    m_charts[3]->hide(); // no device tells of it so far
    for (MetricChart* chart : m_charts) {
        chart->clear();
        chart->setEmptyText(tr("Reading the run…"));
    }
}

std::optional<int> RunPage::runId() const
{
    return m_follower ? std::optional(m_record.id) : std::nullopt;
}

void RunPage::take(const RunUpdate& update)
{
    for (const auto& [series, points] : update.overview)
        for (MetricChart* chart : m_charts)
            if (chart->wants(series))
                chart->showOverview(series, points);
    for (const auto& [series, points] : update.points)
        for (MetricChart* chart : m_charts)
            if (chart->wants(series))
                chart->append(series, points);
    m_charts[3]->setVisible(!m_charts[3]->curves().empty());
    if (update.batch)
        m_batch = *update.batch;
    if (update.record) {
        const int id = m_record.id;
        m_record = *update.record;
        m_record.id = id; // a run's id is its folder's, wherever that was copied from
        m_header->setRecord(m_record);
        showPrediction();
        emit recordChanged(m_record);
    }
    if (!update.points.empty() || update.record)
        m_timeline->markNew(m_record);
    if (!update.log.empty())
        emit logRead(update.log);
    if (!update.damage.isEmpty())
        m_header->setProblem(update.damage);
    if (update.caughtUp) {
        for (MetricChart* chart : m_charts)
            chart->showSamples();
        becomeLoaded();
    }
}

void RunPage::showPrediction()
{
    const double predicted = m_batch > 0 && m_record.predicted_step > 0 ? m_batch / m_record.predicted_step * 1000 : 0;
    m_charts[1]->setReference(predicted, tr("predicted %1").arg(throughputText(predicted)));
}

void RunPage::becomeLoaded()
{
    const bool live = m_record.state == store::RunState::Queued || m_record.state == store::RunState::Running;
    for (MetricChart* chart : m_charts)
        chart->setEmptyText(live ? tr("Waiting for the first samples") : tr("This run has no samples for this chart"));
    if (!std::exchange(m_loaded, true))
        emit loaded();
}

void RunPage::setXAxis(XAxis axis)
{
    m_axisButtons->button(static_cast<int>(axis))->setChecked(true);
    for (MetricChart* chart : m_charts)
        chart->setXAxis(axis);
    m_settings.setXAxis(axis);
}

void RunPage::setSmoothing(double weight)
{
    m_smoothing->setWeight(weight);
    m_charts[0]->setSmoothing(weight);
    m_charts[1]->setSmoothing(weight);
    m_settings.setSmoothing(weight);
}

void RunPage::setLogScale(bool on)
{
    m_logBox->setChecked(on);
    m_charts[0]->setLogScale(on);
    m_settings.setLogScale(on);
}

bool RunPage::isLoaded() const
{
    return m_loaded && m_timeline->isSettled();
}

void RunPage::showCharts()
{
    m_views->setCurrentIndex(0);
}

void RunPage::showTimeline()
{
    m_views->setCurrentWidget(m_timeline);
}

bool RunPage::showsCharts() const
{
    return m_views->currentIndex() == 0;
}

void RunPage::fitAll()
{
    if (m_timeline->isVisible()) {
        m_timeline->view()->fit();
        return;
    }
    for (MetricChart* chart : m_charts)
        chart->fitAll();
}

void RunPage::drawNow()
{
    for (MetricChart* chart : m_charts)
        chart->replotNow();
}

} // namespace pipebd::gui
