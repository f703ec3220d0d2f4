#include "store/comparison_report.h"

#include "base/error.h"
#include "base/units.h"
#include "store/html_text.h"
#include "store/if_readable.h"
#include "store/line_chart.h"
#include "store/result_text.h"
#include "store/run_store.h"
#include "store/run_timelines.h"
#include "store/timeline_strip.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>

namespace pipebd::store {

namespace {

constexpr int simulated_steps = 96; // of each phase: the second half of them is steady

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --back: #ffffff; --text: #1f2328; --faint: #5b636d; --line: #d0d5db; --band: #f4f5f7;
  --best: #d9f0e6; --c0: #0072b2; --c1: #d55e00; --c2: #007a58; --c3: #a8497f; --c4: #2584b8; --c5: #9c6a00; --bar: #101214; }
@media (prefers-color-scheme: dark) { :root { --back: #17191c; --text: #e6e8eb; --faint: #9aa3ad; --line: #3c4148; --band: #202327;
  --best: #12402f; --c0: #56a8e0; --c1: #f0803c; --c2: #2cc295; --c3: #dc8fb9; --c4: #8fd0f5; --c5: #e6b030; } }
body { background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: nowrap; }
td.n, th.n { text-align: right; } td.long { white-space: pre-wrap; min-width: 14rem; max-width: 34rem; overflow-wrap: anywhere; }
thead th { background: var(--band); } th small, td small, p small { color: var(--faint); font-weight: normal; }
.best { background: var(--best); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 1.2rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { display: block; width: 100%; height: auto; } svg.key { display: inline-block; width: 40px; height: 10px; }
svg text { fill: var(--text); font-size: 12px; } svg text.bar { fill: var(--bar); font-size: 11px; }
.grid { stroke: var(--line); } .axis { stroke: var(--faint); } .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
.c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); }
.d1 { stroke-dasharray: 8 4; } .d2 { stroke-dasharray: 2 3; } .d3 { stroke-dasharray: 9 3 2 3; } .d4 { stroke-dasharray: 14 4; }
.idle { fill: var(--band); stroke: var(--line); stroke-width: .5; }
.op-t { fill: #56b4e9; background: #56b4e9; } .op-f { fill: #e69f00; background: #e69f00; }
.op-b { fill: #3ebd93; background: #3ebd93; } .op-u { fill: #cc79a7; background: #cc79a7; }
.op-c { fill: #d55e00; background: #d55e00; } .op-o { fill: #9aa3ad; background: #9aa3ad; }
.legend span { margin-right: 1rem; white-space: nowrap; } .legend i { display: inline-block; width: 12px; height: 12px;
  margin-right: .35rem; }
@media print { body { max-width: none; } }
)";

std::string short_name(const ComparedRun& run)
{
    return "run " + std::to_string(run.record.id) + ", " + run.record.name;
}

/// The run's colour and dash, as in the charts.
std::string key_of(std::size_t run)
{
    return "<svg class=\"key\" viewBox=\"0 0 40 10\" aria-hidden=\"true\"><line class=\"curve " + look_of(static_cast<int>(run))
        + "\" x1=\"0\" y1=\"5\" x2=\"40\" y2=\"5\"/></svg>";
}

std::string cell(const std::string& html, const char* classes = "")
{
    return std::string("<td class=\"") + classes + "\">" + html + "</td>";
}

std::string table(const std::string& head, const std::string& body)
{
    return "<div class=\"wide\"><table><thead><tr>" + head + "</tr></thead><tbody>\n" + body + "</tbody></table></div>\n";
}

std::string section(const std::string& heading, const std::string& contents)
{
    return contents.empty() ? std::string() : "<h2>" + heading + "</h2>\n" + contents;
}

/// A column a run, behind the first one.
std::string head_of_runs(const RunComparison& comparison, const std::string& first)
{
    std::string head = "<th>" + first + "</th>";
    for (std::size_t run = 0; run < comparison.runs.size(); ++run)
        head += "<th class=\"n\">" + key_of(run) + "<br>run " + std::to_string(comparison.runs[run].record.id) + "<br><small>"
            + escaped(comparison.runs[run].record.name, 40) + "</small></th>";
    return head;
}

std::string joined_escaped(const std::vector<std::string>& words)
{
    std::string html;
    for (const std::string& word : words)
        html += (html.empty() ? "" : ", ") + escaped(word);
    return html;
}

std::string runs_table(const RunComparison& comparison)
{
    std::string body;
    for (std::size_t place = 0; place < comparison.runs.size(); ++place) {
        const ComparedRun& run = comparison.runs[place];
        const RunRecord& record = run.record;
        std::string said = escaped_lines(run.annotation.note);
        if (!record.error.empty())
            said += (said.empty() ? "" : "\n") + escaped(record.error, 2000);
        body += "<tr>" + cell(key_of(place)) + cell(std::to_string(record.id), "n") + cell(escaped(record.name))
            + cell(escaped(record.pair)) + cell(escaped(record.strategy)) + cell(joined_escaped(record.devices))
            + cell(std::string(to_string(record.state)) + (run.annotation.deleted.empty() ? "" : ", deleted"))
            + cell(escaped(record.started)) + cell(joined_escaped(run.annotation.tags)) + cell(said, "long") + "</tr>\n";
    }
    return table("<th></th><th class=\"n\">id</th><th>name</th><th>pair</th><th>strategy</th><th>devices</th><th>state</th>"
                 "<th>started</th><th>tags</th><th>note</th>",
        body);
}

std::string results_table(const RunComparison& comparison)
{
    std::string body;
    for (const ComparedResult& result : comparison.results) {
        body += "<tr><th>" + escaped(name_of(result)) + " <small>" + std::string(direction_of(result.better)) + "</small></th>";
        for (std::size_t run = 0; run < result.values.size(); ++run) {
            const std::string text = result.values[run] ? escaped(text_of(result, *result.values[run])) : "&ndash;";
            body
                += cell((result.best[run] ? "<span title=\"best\">&#9733;</span> " : "") + text, result.best[run] ? "n best" : "n");
        }
        body += "</tr>\n";
    }
    return body.empty() ? body : table(head_of_runs(comparison, "result"), body);
}

std::string repetitions_table(const RunComparison& comparison)
{
    std::string html;
    for (const Repetition& repetition : comparison.repetitions) {
        std::string runs;
        for (const std::size_t run : repetition.runs)
            runs += (runs.empty() ? "" : ", ") + std::to_string(comparison.runs[run].record.id);
        std::string body;
        for (std::size_t place = 0; place < repetition.results.size(); ++place)
            if (const std::optional<RepeatedResult>& repeated = repetition.results[place]) {
                const ComparedResult& result = comparison.results[place];
                body += "<tr><th>" + escaped(name_of(result)) + "</th>" + cell(escaped(text_of(result, repeated->mean)), "n")
                    + cell(
                        repeated->count > 1 ? "&plusmn; " + escaped(deviation_text(result, repeated->deviation)) : "&ndash;", "n")
                    + cell(std::to_string(repeated->count), "n") + "</tr>\n";
            }
        html += "<h3>Runs " + runs + "</h3>\n"
            + table(
                "<th>result</th><th class=\"n\">mean</th><th class=\"n\">standard deviation</th><th class=\"n\">runs</th>", body);
    }
    return html;
}

std::string time_cell(const std::optional<double>& milliseconds)
{
    return cell(milliseconds ? format_milliseconds(*milliseconds) : "&ndash;", "n");
}

std::string error_cell(const std::optional<double>& error)
{
    if (!error)
        return cell("&ndash;", "n");
    char text[64];
    std::snprintf(text, sizeof text, "%+.1f %%", 100 * *error);
    return cell(text, "n");
}

/// By kind of instruction, a line a kind that any of them has, three columns a run.
std::string prediction_table(const RunComparison& comparison)
{
    std::vector<std::string_view> kinds;
    std::string runs = "<th rowspan=\"2\">per step, all devices</th>";
    std::string columns;
    for (const ComparedRun& run : comparison.runs) {
        for (const schedule::KindTime& kind : run.details.kinds)
            if (std::find(kinds.begin(), kinds.end(), kind.kind) == kinds.end())
                kinds.push_back(kind.kind);
        if (run.details.kinds.empty())
            continue;
        runs += "<th colspan=\"3\">" + escaped(short_name(run), 60) + "</th>";
        columns += "<th class=\"n\">predicted</th><th class=\"n\">measured</th><th class=\"n\">error</th>";
    }
    std::string body;
    for (const std::string_view name : kinds) {
        body += "<tr><th>" + std::string(name) + "</th>";
        for (const ComparedRun& run : comparison.runs) {
            const auto& times = run.details.kinds;
            const auto found = std::find_if(times.begin(), times.end(), [&](const auto& kind) { return kind.kind == name; });
            const schedule::KindTime time = found == times.end() ? schedule::KindTime{} : *found;
            if (!times.empty())
                body += time_cell(time.predicted) + time_cell(time.measured) + error_cell(time.error());
        }
        body += "</tr>\n";
    }
    return kinds.empty() ? std::string() : table(runs + "</tr><tr>" + columns, body);
}

std::string settings_table(const RunComparison& comparison, bool differing)
{
    std::string body;
    for (const ComparedSetting& setting : comparison.settings) {
        if (setting.differs != differing)
            continue;
        body += "<tr><th>" + escaped(setting.key) + "</th>";
        for (const std::optional<std::string>& value : setting.values)
            body += cell(value ? escaped(*value) : "&ndash;", "n");
        body += "</tr>\n";
    }
    return body.empty() ? body : table(head_of_runs(comparison, "setting"), body);
}

/// The curves of one run that the charts show, by chart.
struct RunCurves {
    std::map<int, std::vector<Point>> loss; // by block; -1: of the whole network
    std::vector<Point> throughput;
    std::vector<Point> memory; // bytes of the fullest device

    explicit RunCurves(const RunStore& store)
    {
        std::map<std::int64_t, double> fullest;
        std::int64_t after = 0;
        for (const Sample& sample : store.new_samples(after)) {
            const auto step = static_cast<double>(sample.step);
            if (sample.series.name == "loss")
                loss[sample.series.block].push_back({step, sample.value});
            else if (sample.series.name == "throughput")
                throughput.push_back({step, sample.value});
            else if (sample.series.name == "memory_bytes") {
                double& most = fullest.try_emplace(sample.step, sample.value).first->second;
                most = std::max(most, sample.value);
            }
        }
        for (const auto& [step, bytes] : fullest)
            memory.push_back({static_cast<double>(step), bytes / (1 << 20)});
    }
    RunCurves() = default;
};

struct Measured {
    RunCurves curves;
    schedule::Program program;
    schedule::SideBySide step; // the newest that was measured
};

Measured measured_of(const ComparedRun& run)
{
    Measured measured;
    if_readable([&] {
        const RunStore store(run.record.folder / "run.sqlite", RunStore::Mode::ReadOnly);
        measured.curves = RunCurves(store);
        if_readable([&] {
            RunTimelines timelines = timelines_of(store, simulated_steps);
            measured.step = side_by_side(timelines.program, timelines.predicted, timelines.measured, 1);
            measured.program = std::move(timelines.program);
        });
    });
    return measured;
}

/// A chart with a curve of each run that has points.
template <typename Take>
std::string chart(const RunComparison& comparison, const std::vector<Measured>& measured, const std::string& title,
    const std::string& label, Take take)
{
    std::vector<ChartCurve> curves;
    for (std::size_t run = 0; run < measured.size(); ++run)
        if (std::vector<Point> points = take(measured[run].curves); !points.empty())
            curves.push_back({short_name(comparison.runs[run]), static_cast<int>(run), std::move(points)});
    return line_chart(title, label, curves);
}

std::string charts(const RunComparison& comparison, const std::vector<Measured>& measured)
{
    std::set<int> blocks;
    for (const Measured& run : measured)
        for (const auto& [block, points] : run.curves.loss)
            blocks.insert(block);
    std::string html;
    for (const int block : blocks) {
        const std::string title = block < 0 ? "Loss" : "Loss of block " + std::to_string(block);
        html += chart(comparison, measured, title, "loss", [&](const RunCurves& curves) {
            const auto found = curves.loss.find(block);
            return found == curves.loss.end() ? std::vector<Point>() : found->second;
        });
    }
    html += chart(comparison, measured, "Throughput", "samples/s", [](const RunCurves& curves) { return curves.throughput; });
    html += chart(
        comparison, measured, "Memory of the fullest device", "MiB", [](const RunCurves& curves) { return curves.memory; });
    return html.empty() ? html : "<div class=\"charts\">\n" + html + "</div>\n";
}

std::string timelines(const RunComparison& comparison, const std::vector<Measured>& measured)
{
    double length = 0;
    for (const Measured& run : measured)
        length = std::max({length, run.step.measured.length(), run.step.predicted.length()});
    std::string html;
    for (std::size_t run = 0; run < measured.size(); ++run)
        if (const std::string strip = timeline_strip(measured[run].program, measured[run].step, length); !strip.empty())
            html += "<h3>" + escaped(short_name(comparison.runs[run])) + "</h3>\n" + strip;
    return html.empty() ? html : timeline_legend() + html;
}

} // namespace

std::string comparison_report(const RunComparison& comparison)
{
    std::vector<Measured> measured;
    for (const ComparedRun& run : comparison.runs)
        measured.push_back(measured_of(run));

    std::string ids;
    for (const ComparedRun& run : comparison.runs)
        ids += (ids.empty() ? "" : ", ") + std::to_string(run.record.id);
    const std::string title = comparison.runs.size() == 1 ? "Run " + ids : "Runs " + ids;
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
        + title + "</title>\n<style>" + std::string(style) + "</style></head>\n<body>\n<h1>" + title + "</h1>\n<p><small>written "
        + utc_text() + " by Pipe-BD Workbench</small></p>\n";
    html += runs_table(comparison);
    html += section("Results", results_table(comparison));
    html += section("Repeated with other seeds", repetitions_table(comparison));
    html += section("Settings that differ", settings_table(comparison, true));
    html += section("Predicted and measured", prediction_table(comparison));
    html += section("Curves", charts(comparison, measured));
    html += section("The newest measured step", timelines(comparison, measured));
    if (const std::string same = settings_table(comparison, false); !same.empty())
        html += "<h2>Settings that are the same</h2>\n<details><summary>Show them</summary>\n" + same + "</details>\n";
    return html + "</body></html>\n";
}

} // namespace pipebd::store
