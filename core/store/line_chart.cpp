#include "store/line_chart.h"

#include "store/html_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace pipebd::store {

namespace {

constexpr double width = 640;
constexpr double height = 300;
constexpr double left = 64;
constexpr double right = 12;
constexpr double top = 12;
constexpr double bottom = 42;
constexpr double legend_line = 18;
constexpr std::size_t buckets = 300;
constexpr double much = 30; // greatest by least, from which the axis is logarithmic

std::string tick_text(double value)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.6g", std::abs(value) < 1e-300 ? 0 : value);
    return text;
}

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();

    void take(double value)
    {
        low = std::min(low, value);
        high = std::max(high, value);
    }
    bool is_empty() const { return low > high; }
};

class Axis {
public:
    Axis(Range range, bool logarithmic, double begin, double end)
        : logarithmic_(logarithmic)
        , low_(scaled(range.low))
        , high_(scaled(range.high))
        , begin_(begin)
        , end_(end)
    {
        if (high_ - low_ < 1e-12 * std::max(std::abs(high_), 1e-12)) {
            const double room = std::max(std::abs(high_) * 0.1, 1e-6);
            low_ -= room;
            high_ += room;
        }
    }

    /// Leaves so much of its length free at both ends.
    void widen(double share)
    {
        const double room = share * (high_ - low_);
        low_ -= room;
        high_ += room;
    }

    double place(double value) const { return begin_ + (scaled(value) - low_) / (high_ - low_) * (end_ - begin_); }

    std::vector<double> ticks(int count) const
    {
        if (!logarithmic_)
            return round_ticks(low_, high_, count);
        std::vector<double> values;
        const double apart = std::max(1.0, std::ceil((high_ - low_) / count));
        for (double power = std::ceil(low_); power <= high_; power += apart)
            values.push_back(std::pow(10, power));
        if (values.size() < 2)
            for (const double power : round_ticks(low_, high_, count))
                values.push_back(std::pow(10, power));
        return values;
    }

private:
    double scaled(double value) const { return logarithmic_ ? std::log10(value) : value; }

    bool logarithmic_;
    double low_;
    double high_;
    double begin_;
    double end_;
};

std::string text_at(double x, double y, const char* anchor, const std::string& text)
{
    return "<text x=\"" + coordinate_text(x) + "\" y=\"" + coordinate_text(y) + "\" text-anchor=\"" + anchor + "\">" + text
        + "</text>";
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& look)
{
    return "<line class=\"" + look + "\" x1=\"" + coordinate_text(x1) + "\" y1=\"" + coordinate_text(y1) + "\" x2=\""
        + coordinate_text(x2) + "\" y2=\"" + coordinate_text(y2) + "\"/>";
}

std::string path_of(const ChartCurve& curve, const Axis& x, const Axis& y)
{
    std::string path;
    bool goes_on = false;
    for (const Point& point : thinned(curve.points, buckets)) {
        if (!std::isfinite(point.y)) {
            goes_on = false;
            continue;
        }
        path += goes_on ? 'L' : 'M';
        path.append(coordinate_text(x.place(point.x))).append(" ").append(coordinate_text(y.place(point.y)));
        goes_on = true;
    }
    return std::string("<path class=\"curve ").append(look_of(curve.look)).append("\" d=\"").append(path).append("\"/>\n");
}

std::string axes(const Axis& x, const Axis& y, const std::string& y_label)
{
    std::string svg;
    for (const double value : y.ticks(6)) {
        const double place = y.place(value);
        svg += line_from(left, place, width - right, place, "grid");
        svg += text_at(left - 6, place + 4, "end", tick_text(value));
    }
    for (const double value : x.ticks(8)) {
        const double place = x.place(value);
        svg += line_from(place, height - bottom, place, height - bottom + 4, "axis");
        svg += text_at(place, height - bottom + 17, "middle", tick_text(value));
    }
    svg += line_from(left, height - bottom, width - right, height - bottom, "axis");
    svg += line_from(left, top, left, height - bottom, "axis");
    svg += text_at((left + width - right) / 2, height - 8, "middle", "step");
    svg += "<text transform=\"translate(14 " + coordinate_text((top + height - bottom) / 2)
        + ") rotate(-90)\" text-anchor=\"middle\">" + escaped(y_label) + "</text>\n";
    return svg;
}

std::string legend(const std::vector<ChartCurve>& curves)
{
    std::string svg;
    double y = height + 8;
    for (const ChartCurve& curve : curves) {
        svg += line_from(left, y, left + 36, y, "curve " + look_of(curve.look));
        svg += text_at(left + 44, y + 4, "start", escaped(curve.name, 90)) + "\n";
        y += legend_line;
    }
    return svg;
}

} // namespace

std::vector<Point> thinned(std::vector<Point> points, std::size_t count)
{
    std::stable_sort(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
    if (points.size() <= 2 * count)
        return points;
    std::vector<Point> kept;
    for (std::size_t bucket = 0; bucket < count; ++bucket) {
        const std::size_t begin = bucket * points.size() / count;
        const std::size_t end = (bucket + 1) * points.size() / count;
        std::size_t least = end;
        std::size_t greatest = end;
        for (std::size_t i = begin; i < end; ++i) {
            if (!std::isfinite(points[i].y))
                continue;
            least = least == end || points[i].y < points[least].y ? i : least;
            greatest = greatest == end || points[i].y > points[greatest].y ? i : greatest;
        }
        if (least == end) {
            kept.push_back(points[begin]);
            continue;
        }
        kept.push_back(points[std::min(least, greatest)]);
        if (least != greatest)
            kept.push_back(points[std::max(least, greatest)]);
    }
    return kept;
}

std::string look_of(int n)
{
    constexpr int colours = 6;
    constexpr int dashes = 5;
    std::string look = "c";
    look += std::to_string(n % colours);
    return look.append(" d").append(std::to_string(n % dashes));
}

std::vector<double> round_ticks(double low, double high, int count)
{
    const double raw = (high - low) / std::max(count, 1);
    if (!(raw > 0) || !std::isfinite(raw))
        return {low};
    const double power = std::pow(10, std::floor(std::log10(raw)));
    double apart = 10 * power;
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * power >= raw) {
            apart = factor * power;
            break;
        }
    std::vector<double> values;
    for (double i = std::ceil(low / apart); i * apart <= high + apart * 1e-9; ++i)
        values.push_back(i * apart);
    return values;
}

std::string line_chart(const std::string& title, const std::string& y_label, const std::vector<ChartCurve>& curves)
{
    Range steps;
    Range values;
    for (const ChartCurve& curve : curves)
        for (const Point& point : curve.points)
            if (std::isfinite(point.y)) {
                steps.take(point.x);
                values.take(point.y);
            }
    if (values.is_empty())
        return {};
    const bool logarithmic = values.low > 0 && values.high / values.low > much;
    const Axis x(steps, false, left, width - right);
    Axis y(values, logarithmic, height - bottom, top);
    y.widen(0.04);
    const double whole = height + legend_line * static_cast<double>(curves.size());
    std::string svg = "<svg role=\"img\" viewBox=\"0 0 " + coordinate_text(width) + " " + coordinate_text(whole) + "\"><title>"
        + escaped(title) + "</title>\n";
    svg += axes(x, y, y_label + (logarithmic ? ", logarithmic" : ""));
    for (const ChartCurve& curve : curves)
        svg += path_of(curve, x, y);
    return "<figure><figcaption>" + escaped(title) + "</figcaption>" + svg + legend(curves) + "</svg></figure>\n";
}

} // namespace pipebd::store
