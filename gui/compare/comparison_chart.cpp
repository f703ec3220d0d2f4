#include "gui/compare/comparison_chart.h"

#include "gui/kit/theme.h"
#include "gui/runs/run_look.h"

#include <algorithm>
#include <utility>

namespace pipebd::gui {

namespace {

// Curves of means stand beside those of the runs, which have numbers above 0.
int meanOf(int firstRun)
{
    return -firstRun;
}

} // namespace

ComparisonChart::ComparisonChart(Quantity quantity, QWidget* parent)
    : MetricChart(quantity, parent)
{
    setObjectName(QStringLiteral("compare") + objectName().left(1).toUpper() + objectName().mid(1));
    setEmptyText(tr("No run has samples for this chart"));
    legend->setIconSize(26, 10);
    nameMember();
}

void ComparisonChart::addRun(int run, const QString& name)
{
    m_runs[run].name = name;
}

void ComparisonChart::removeRun(int run)
{
    m_runs.erase(run);
    remove(idOf(run));
    drawBands();
}

void ComparisonChart::setBegin(int run, double seconds)
{
    const auto found = m_runs.find(run);
    if (found == m_runs.end() || found->second.begin == seconds)
        return;
    found->second.begin = seconds;
    if (const auto drawn = curves().find(idOf(run)); drawn != curves().end())
        drawn->second->setBegin(seconds);
    changed();
}

void ComparisonChart::setShown(int run, bool shown)
{
    const auto found = m_runs.find(run);
    if (found == m_runs.end())
        return;
    found->second.shown = shown;
    drawBands();
}

void ComparisonChart::appendTo(int run, const SeriesPoints& points)
{
    const auto found = m_runs.find(run);
    if (found == m_runs.end())
        return;
    bool any = false;
    for (const auto& [series, some] : points) {
        if (!isWanted(series))
            continue;
        std::vector<SeriesPoint>& all = found->second.series[series];
        all.insert(all.end(), some.begin(), some.end());
        any = true;
    }
    if (!any)
        return;
    draw(run, found->second, false);
    found->second.isNew = true;
}

// Its series are short of most samples, each of other ones: they are merged as far as the shortest goes.
void ComparisonChart::showOverviewOf(int run, const SeriesPoints& points)
{
    const auto found = m_runs.find(run);
    if (found == m_runs.end())
        return;
    SeriesPoints wanted;
    for (const auto& [series, some] : points)
        if (isWanted(series))
            wanted[series] = some;
    const std::vector<SeriesPoint> merged = mergedOf(wanted, 0);
    if (merged.empty())
        return;
    Curve& line = curve(idOf(run), lookOf(run, found->second.name));
    line.setBegin(found->second.begin);
    line.showOverview(merged);
    changed();
}

void ComparisonChart::showSamplesOf(int run)
{
    if (const auto drawn = curves().find(idOf(run)); drawn != curves().end()) {
        drawn->second->showSamples();
        changed();
    }
    const bool isRepeated = std::any_of(m_groups.begin(), m_groups.end(),
        [run](const std::vector<int>& group) { return std::find(group.begin(), group.end(), run) != group.end(); });
    if (const auto found = m_runs.find(run); found != m_runs.end() && std::exchange(found->second.isNew, false) && isRepeated)
        drawBands();
}

bool ComparisonChart::isWanted(const store::Series& series) const
{
    return wants(series) && !series.name.starts_with("peak_");
}

CurveId ComparisonChart::idOf(int run) const
{
    const char* name = "throughput";
    if (quantity() == Quantity::Loss)
        name = "loss";
    else if (quantity() == Quantity::Memory)
        name = "memory_bytes";
    else if (quantity() == Quantity::Accuracy)
        name = "test_accuracy";
    return {{name, -1, -1}, run};
}

std::vector<const std::vector<SeriesPoint>*> ComparisonChart::seriesOf(const SeriesPoints& all) const
{
    std::vector<const std::vector<SeriesPoint>*> found;
    for (const auto& [series, points] : all)
        if (m_member == merged || series.block == m_member || (series.block < 0 && series.rank == m_member))
            found.push_back(&points);
    return found;
}

std::vector<SeriesPoint> ComparisonChart::mergedOf(const SeriesPoints& all, std::size_t begin) const
{
    return mergedFrom(seriesOf(all), begin, quantity() == Quantity::Memory ? Merge::Largest : Merge::Mean);
}

// Only what is new, unless a series has been added to those that the curve is made of.
void ComparisonChart::draw(int id, Run& run, bool again)
{
    const std::size_t members = seriesOf(run.series).size();
    if (again || (run.drawnMembers != members && run.drawnMembers != 0))
        remove(idOf(id));
    run.drawnMembers = members;
    if (members == 0)
        return;
    const auto drawn = curves().find(idOf(id));
    const std::size_t done = drawn == curves().end() ? 0 : drawn->second->points().size();
    const std::vector<SeriesPoint> fresh = mergedOf(run.series, done);
    if (fresh.empty())
        return;
    Curve& line = curve(idOf(id), lookOf(id, run.name));
    line.setBegin(run.begin);
    line.append(fresh);
    line.setShown(run.shown && !m_banded.contains(id));
    changed();
}

void ComparisonChart::drawAll()
{
    for (auto& [id, run] : m_runs)
        draw(id, run, true);
    drawBands();
    fitAll();
}

void ComparisonChart::setMember(int blockOrRank)
{
    if (m_member == blockOrRank)
        return;
    m_member = blockOrRank;
    nameMember();
    drawAll();
}

void ComparisonChart::nameMember()
{
    switch (quantity()) {
    case Quantity::Loss:
        setTitle(m_member == merged ? tr("Loss · mean of the blocks") : tr("Loss · block %1").arg(m_member));
        break;
    case Quantity::Memory:
        setTitle(m_member == merged ? tr("Memory · largest of the ranks") : tr("Memory · rank %1").arg(m_member));
        break;
    case Quantity::Throughput:
        setTitle(tr("Throughput · samples/s"));
        break;
    case Quantity::Accuracy:
        setTitle(tr("Test accuracy"));
        break;
    case Quantity::Utilisation: // of a run's devices, which are not those of another run
        break;
    }
}

std::vector<int> ComparisonChart::members() const
{
    std::set<int> found;
    for (const auto& [id, run] : m_runs)
        for (const auto& [series, points] : run.series)
            if (const int member = series.block >= 0 ? series.block : series.rank; member >= 0)
                found.insert(member);
    return {found.begin(), found.end()};
}

bool ComparisonChart::isEmpty() const
{
    return std::all_of(m_runs.begin(), m_runs.end(), [](const auto& run) { return run.second.series.empty(); });
}

void ComparisonChart::setRepetitions(const std::vector<std::vector<int>>& groups)
{
    if (m_groups == groups)
        return;
    m_groups = groups;
    drawBands();
}

void ComparisonChart::setAsBands(bool on)
{
    m_asBands = on;
    drawBands();
    fitAll();
}

void ComparisonChart::drawBands()
{
    for (const Band& band : std::exchange(m_bands, {})) { // nobody is to recolour what is going
        band.upper->setChannelFillGraph(nullptr);
        removeGraph(band.upper);
        removeGraph(band.lower);
        remove(idOf(meanOf(band.runs.front())));
    }
    m_banded.clear();
    for (const std::vector<int>& group : m_groups) {
        if (!m_asBands || axis() == XAxis::WallTime)
            break;
        std::vector<std::vector<SeriesPoint>> lines;
        std::vector<int> runs;
        for (const int id : group)
            if (const auto run = m_runs.find(id); run != m_runs.end() && run->second.shown && !run->second.series.empty()) {
                lines.push_back(mergedOf(run->second.series, 0));
                runs.push_back(id);
            }
        if (runs.size() < 2)
            continue;
        std::vector<const std::vector<SeriesPoint>*> all;
        QStringList ids;
        for (std::size_t i = 0; i < runs.size(); ++i) {
            all.push_back(&lines[i]);
            ids << QString::number(runs[i]);
        }
        const Spread spread = spreadOf(all, smoothing());
        if (spread.mean.empty())
            continue;
        m_banded.insert(runs.begin(), runs.end());
        CurveLook look = lookOf(runs.front(), {});
        look.label = tr("mean of %1").arg(ids.join(QStringLiteral(", ")));
        Curve& mean = curve(idOf(meanOf(runs.front())), look);
        mean.append(spread.mean);
        Band band{runs, addGraph(), addGraph()};
        QVector<QCPGraphData> lower;
        QVector<QCPGraphData> upper;
        std::size_t i = 0;
        for (const QCPGraphData& point : *mean.front()->data()) {
            lower.append({point.key, point.value - spread.deviation[i]});
            upper.append({point.key, point.value + spread.deviation[i]});
            mean.include(lower.last().value);
            mean.include(upper.last().value);
            ++i;
        }
        band.lower->data()->set(lower, true);
        band.upper->data()->set(upper, true);
        for (QCPGraph* edge : {band.lower, band.upper}) {
            edge->setPen(Qt::NoPen);
            edge->removeFromLegend();
        }
        band.upper->setChannelFillGraph(band.lower);
        m_bands.push_back(band);
    }
    showCurves();
    recolour();
}

void ComparisonChart::showCurves()
{
    for (const auto& [id, line] : curves())
        if (const auto run = m_runs.find(id.run); run != m_runs.end())
            line->setShown(run->second.shown && !m_banded.contains(id.run));
    changed();
}

QCPGraph* ComparisonChart::bandOf(int firstRun) const
{
    const auto found
        = std::find_if(m_bands.begin(), m_bands.end(), [&](const Band& band) { return band.runs.front() == firstRun; });
    return found == m_bands.end() ? nullptr : found->upper;
}

void ComparisonChart::setXAxis(XAxis axis)
{
    MetricChart::setXAxis(axis);
    drawBands();
}

void ComparisonChart::setSmoothing(double weight)
{
    MetricChart::setSmoothing(weight);
    drawBands();
}

void ComparisonChart::recolour()
{
    MetricChart::recolour();
    for (const Band& band : m_bands) {
        QColor colour = curveColor(lookOf(band.runs.front(), {}).colour, palette());
        colour.setAlphaF(0.22F);
        band.upper->setBrush(colour);
    }
}

} // namespace pipebd::gui
