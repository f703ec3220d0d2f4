#include "gui/compare/comparison_charts.h"

#include "gui/charts/smoothing_slider.h"
#include "gui/kit/settings.h"
#include "gui/lab/run_text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto replotInterval = 50ms;
constexpr int leastWidth = 200; // of a row of controls: the window may be narrower than all of them
const QString stateKey = QStringLiteral("compareCharts");

} // namespace

ComparisonCharts::ComparisonCharts(Settings& settings, QWidget* parent)
    : QWidget(parent)
    , m_settings(settings)
{
    using Quantity = MetricChart::Quantity;
    auto* area = new QWidget(this);
    m_grid = new QGridLayout(area);
    m_grid->setContentsMargins({});
    m_grid->setSpacing(4);
    m_charts = {new ComparisonChart(Quantity::Loss, area), new ComparisonChart(Quantity::Throughput, area),
        new ComparisonChart(Quantity::Memory, area), new ComparisonChart(Quantity::Accuracy, area)};
    for (ComparisonChart* chart : m_charts) {
        connect(chart, &MetricChart::fitRequested, this, &ComparisonCharts::fitAll);
        connect(chart, &MetricChart::exportRequested, this, [this, chart] { emit exportRequested(chart); });
        connect(chart, &MetricChart::keysShown, this, [this, chart](const QCPRange& keys) {
            for (ComparisonChart* other : m_charts)
                if (other != chart)
                    other->showKeys(keys);
        });
    }
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addWidget(buildPlaces());
    layout->addWidget(buildControls());
    layout->addWidget(area, 1);
    restoreDefaultLayout();
    restoreState();
    connect(&m_replotTimer, &QTimer::timeout, this, [this] {
        for (ComparisonChart* chart : m_charts)
            if (chart->isVisible())
                chart->replotIfNew();
    });
    m_replotTimer.start(replotInterval);
}

QWidget* ComparisonCharts::buildPlaces()
{
    auto* row = new QWidget(this);
    row->setMinimumWidth(leastWidth);
    const std::array titles{tr("&Loss"), tr("&Throughput"), tr("&Memory"), tr("&Accuracy")};
    const std::array names{"showLoss", "showThroughput", "showMemory", "showAccuracy"};
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(8, 6, 8, 2);
    layout->setSpacing(8);
    for (std::size_t i = 0; i < count; ++i) {
        m_switches[i] = new QCheckBox(titles[i], row);
        m_switches[i]->setObjectName(QLatin1String(names[i]));
        m_switches[i]->setToolTip(tr("Show or hide this chart"));
        connect(m_switches[i], &QCheckBox::toggled, this, &ComparisonCharts::arrange);
        layout->addWidget(m_switches[i]);
    }
    layout->addSpacing(12);
    m_block = memberBox(m_charts[0], QStringLiteral("block"));
    m_block->setAccessibleName(tr("Loss of"));
    m_block->setToolTip(tr("Which loss to show"));
    m_rank = memberBox(m_charts[2], QStringLiteral("rank"));
    m_rank->setAccessibleName(tr("Memory of"));
    m_rank->setToolTip(tr("Which memory to show"));
    layout->addWidget(m_block);
    layout->addWidget(m_rank);
    layout->addStretch();
    m_smoothing = new SmoothingSlider(row);
    connect(m_smoothing, &SmoothingSlider::weightChanged, this, [this](double weight) {
        m_weight = weight;
        m_charts[0]->setSmoothing(weight);
        m_charts[1]->setSmoothing(weight);
    });
    layout->addWidget(m_smoothing);
    return row;
}

QComboBox* ComparisonCharts::memberBox(ComparisonChart* chart, const QString& name)
{
    auto* box = new QComboBox(this);
    box->setObjectName(name);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(12);
    connect(box, &QComboBox::currentIndexChanged, this, [box, chart] { chart->setMember(box->currentData().toInt()); });
    return box;
}

QWidget* ComparisonCharts::buildControls()
{
    auto* row = new QWidget(this);
    row->setMinimumWidth(leastWidth);
    m_axis = new QComboBox(row);
    m_axis->setObjectName(QStringLiteral("xAxis"));
    m_axis->addItem(tr("Step"), static_cast<int>(XAxis::Step));
    m_axis->addItem(tr("Time since start"), static_cast<int>(XAxis::Time));
    m_axis->addItem(tr("Wall time"), static_cast<int>(XAxis::WallTime));
    auto* axisLabel = new QLabel(tr("X ax&is:"), row);
    axisLabel->setBuddy(m_axis);
    connect(m_axis, &QComboBox::currentIndexChanged, this, &ComparisonCharts::apply);
    const auto box = [&](const QString& text, const char* name, const QString& toolTip) {
        auto* made = new QCheckBox(text, row);
        made->setObjectName(QLatin1String(name));
        made->setToolTip(toolTip);
        connect(made, &QCheckBox::toggled, this, &ComparisonCharts::apply);
        return made;
    };
    m_logKeys = box(tr("Log &x"), "logKeys", tr("Logarithmic x axis"));
    m_logLoss = box(tr("Log l&oss"), "logLoss", tr("Logarithmic loss axis"));
    m_ignoreOutliers
        = box(tr("I&gnore outliers"), "ignoreOutliers", tr("Scale the y axes to the 2nd to 98th percentile of each curve"));
    m_bands = box(tr("See&ds as bands"), "bands", tr("Draw runs that differ only in their seeds as mean ± standard deviation"));

    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(8, 2, 8, 6);
    layout->setSpacing(8);
    layout->addWidget(axisLabel);
    layout->addWidget(m_axis);
    layout->addSpacing(8);
    for (QCheckBox* made : {m_logKeys, m_logLoss, m_ignoreOutliers, m_bands})
        layout->addWidget(made);
    layout->addStretch();
    return row;
}

// One chart fills the place, two stand side by side, more in two rows.
void ComparisonCharts::arrange()
{
    for (ComparisonChart* chart : m_charts)
        m_grid->removeWidget(chart);
    const auto shown = std::count_if(m_switches.begin(), m_switches.end(), [](const auto* on) { return on->isChecked(); });
    int place = 0;
    for (std::size_t i = 0; i < count; ++i) {
        m_charts[i]->setVisible(m_switches[i]->isChecked());
        if (!m_switches[i]->isChecked())
            continue;
        const int columns = shown == 3 && place == 2 ? 2 : 1; // the last of three takes both
        m_grid->addWidget(m_charts[i], place / 2, place % 2, 1, columns);
        ++place;
    }
    m_block->setVisible(m_switches[0]->isChecked());
    m_rank->setVisible(m_switches[2]->isChecked());
}

void ComparisonCharts::apply()
{
    const auto axis = static_cast<XAxis>(m_axis->currentData().toInt());
    m_logKeys->setEnabled(axis != XAxis::WallTime);
    m_bands->setEnabled(m_hasRepetitions && axis != XAxis::WallTime);
    for (ComparisonChart* chart : m_charts) {
        chart->setXAxis(axis);
        chart->setLogKeys(m_logKeys->isChecked() && axis != XAxis::WallTime);
        chart->setIgnoreOutliers(m_ignoreOutliers->isChecked());
        chart->setAsBands(m_bands->isChecked());
    }
    m_charts[0]->setLogScale(m_logLoss->isChecked());
}

void ComparisonCharts::addRun(const store::RunRecord& run)
{
    const double begin = epochSeconds(run.started.empty() ? run.created : run.started);
    for (ComparisonChart* chart : m_charts) {
        chart->addRun(run.id, QString::fromStdString(run.name));
        chart->setBegin(run.id, begin);
    }
}

void ComparisonCharts::removeRun(int run)
{
    for (ComparisonChart* chart : m_charts)
        chart->removeRun(run);
    fillMembers();
}

void ComparisonCharts::take(int run, const RunUpdate& update)
{
    for (ComparisonChart* chart : m_charts) {
        chart->showOverviewOf(run, update.overview);
        chart->appendTo(run, update.points);
        if (update.caughtUp)
            chart->showSamplesOf(run);
    }
    if (!update.points.empty())
        fillMembers();
}

void ComparisonCharts::setShown(int run, bool shown)
{
    for (ComparisonChart* chart : m_charts)
        chart->setShown(run, shown);
}

void ComparisonCharts::setRepetitions(const std::vector<std::vector<int>>& groups)
{
    m_hasRepetitions = !groups.empty();
    m_bands->setEnabled(m_hasRepetitions && m_axis->currentData().toInt() != static_cast<int>(XAxis::WallTime));
    for (ComparisonChart* chart : m_charts)
        chart->setRepetitions(groups);
}

void ComparisonCharts::fillMembers()
{
    const auto fill = [](QComboBox* box, const QString& all, const QString& one, const std::vector<int>& members) {
        if (box->count() == static_cast<int>(members.size()) + 1)
            return;
        const QVariant chosen = box->currentData();
        {
            const QSignalBlocker blocker(box);
            box->clear();
            box->addItem(all, ComparisonChart::merged);
            for (const int member : members)
                box->addItem(one.arg(member), member);
            box->setCurrentIndex(std::max(0, box->findData(chosen)));
        }
        emit box->currentIndexChanged(box->currentIndex());
    };
    fill(m_block, tr("Mean of the blocks"), tr("Block %1"), m_charts[0]->members());
    fill(m_rank, tr("Largest of the ranks"), tr("Rank %1"), m_charts[2]->members());
    m_switches[3]->setEnabled(!m_charts[3]->isEmpty() || m_switches[3]->isChecked());
}

void ComparisonCharts::fitAll()
{
    for (ComparisonChart* chart : m_charts)
        chart->fitAll();
}

void ComparisonCharts::drawNow()
{
    for (ComparisonChart* chart : m_charts)
        if (chart->isVisible())
            chart->replotNow();
}

void ComparisonCharts::saveState()
{
    QJsonObject state{{"axis", m_axis->currentIndex()}, {"logKeys", m_logKeys->isChecked()}, {"logLoss", m_logLoss->isChecked()},
        {"ignoreOutliers", m_ignoreOutliers->isChecked()}, {"bands", m_bands->isChecked()}, {"smoothing", m_weight}};
    for (const QCheckBox* on : m_switches)
        state[on->objectName()] = on->isChecked();
    m_settings.setState(stateKey, QJsonDocument(state).toJson(QJsonDocument::Compact));
}

void ComparisonCharts::restoreState()
{
    const QByteArray saved = m_settings.state(stateKey);
    if (saved.isEmpty())
        return;
    const QJsonDocument state = QJsonDocument::fromJson(saved);
    const double weight = state["smoothing"].toDouble(-1);
    const int axis = state["axis"].toInt(-1);
    if (!state.isObject() || weight < 0 || weight > 0.999 || axis < 0 || axis >= m_axis->count()) {
        m_settings.reportDamage();
        return;
    }
    for (QCheckBox* on : m_switches)
        on->setChecked(state[on->objectName()].toBool());
    m_axis->setCurrentIndex(axis);
    for (QCheckBox* box : {m_logKeys, m_logLoss, m_ignoreOutliers, m_bands})
        box->setChecked(state[box->objectName()].toBool());
    m_smoothing->setWeight(weight);
    emit m_smoothing->weightChanged(weight);
}

void ComparisonCharts::restoreDefaultLayout()
{
    constexpr double usualSmoothing = 0.6;
    for (std::size_t i = 0; i < count; ++i)
        m_switches[i]->setChecked(i < 2);
    m_axis->setCurrentIndex(0);
    for (QCheckBox* box : {m_logKeys, m_logLoss, m_ignoreOutliers})
        box->setChecked(false);
    m_bands->setChecked(true);
    m_smoothing->setWeight(usualSmoothing);
    emit m_smoothing->weightChanged(usualSmoothing);
    fillMembers();
    arrange();
    apply();
}

} // namespace pipebd::gui
