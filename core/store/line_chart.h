// LineChart: curves over training steps as SVG, for the report. For this folder only.
#pragma once

#include <string>
#include <vector>

namespace pipebd::store {

struct Point {
    double x = 0;
    double y = 0; // not finite: the curve is broken here
};

/// At most 2 * `buckets` points in the order of x, of each bucket the least and the greatest: peaks stay.
std::vector<Point> thinned(std::vector<Point> points, std::size_t buckets);

struct ChartCurve {
    std::string name; // in the legend; any text
    int look = 0; // which colour and dash: CSS classes, see look_of()
    std::vector<Point> points;
};

/// "c2 d2": colour and dash of the n-th run; thirty looks differ.
std::string look_of(int n);

/// Axes with labels, a legend, and a title that is read aloud. Logarithmic upwards where values are positive and span much.
/// Empty if no curve has a point.
std::string line_chart(const std::string& title, const std::string& y_label, const std::vector<ChartCurve>& curves);

/// Values at round places from `low` to `high`, about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

} // namespace pipebd::store
