// ComparisonChart: one quantity of several runs, a curve each; or, of repeated runs, their mean and a band around it.
#pragma once

#include "gui/charts/merged_series.h"
#include "gui/charts/metric_chart.h"

#include <map>
#include <set>
#include <vector>

namespace pipebd::gui {

class ComparisonChart : public MetricChart {
    Q_OBJECT

public:
    /// Which of a run's series: of one block (loss) or rank (memory), or, with -1, all of them merged into one.
    static constexpr int merged = -1;

    explicit ComparisonChart(Quantity quantity, QWidget* parent = nullptr);

    void addRun(int run, const QString& name);
    void removeRun(int run);
    void setBegin(int run, double seconds); // since 1970
    void setShown(int run, bool shown);
    /// What this chart does not want is passed over.
    void appendTo(int run, const SeriesPoints& points);
    void showOverviewOf(int run, const SeriesPoints& points); // instead of the samples, until showSamplesOf()
    void showSamplesOf(int run); // all that was stored has come

    void setMember(int blockOrRank);
    std::vector<int> members() const; // that any run has
    bool isEmpty() const; // no run has a sample of this

    /// Runs that differ in their seeds only. They stand for themselves where their times are looked at by the clock.
    void setRepetitions(const std::vector<std::vector<int>>& groups);
    void setAsBands(bool on);

    void setXAxis(XAxis axis) override;
    void setSmoothing(double weight) override;

    QCPGraph* bandOf(int firstRun) const; // null if there is none

protected:
    void recolour() override;

private:
    struct Run {
        QString name;
        double begin = 0;
        bool shown = true;
        bool isNew = false; // something has come since the bands were drawn
        SeriesPoints series;
        std::size_t drawnMembers = 0; // series that the curve is made of
    };
    struct Band {
        std::vector<int> runs;
        QCPGraph* lower = nullptr;
        QCPGraph* upper = nullptr;
    };

    std::vector<const std::vector<SeriesPoint>*> seriesOf(const SeriesPoints& all) const;
    CurveId idOf(int run) const;
    void draw(int id, Run& run, bool again);
    void drawAll();
    void drawBands();
    void showCurves();
    std::vector<SeriesPoint> mergedOf(const SeriesPoints& all, std::size_t begin) const;
    bool isWanted(const store::Series& series) const;
    void nameMember();

    std::map<int, Run> m_runs;
    std::vector<std::vector<int>> m_groups;
    std::vector<Band> m_bands;
    std::set<int> m_banded; // whose own curves are not shown
    int m_member = merged;
    bool m_asBands = false;
};

} // namespace pipebd::gui
