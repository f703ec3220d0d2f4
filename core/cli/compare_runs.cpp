#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/damage.h"
#include "cli/output_file.h"
#include "cli/table.h"
#include "store/comparison_report.h"
#include "store/comparison_tables.h"
#include "store/result_text.h"

#include <iostream>

namespace pipebd::cli {

namespace {

using store::RunComparison;

constexpr std::size_t widest_cell = 40; // bytes

/// A column a run, behind the first one.
Table table_of_runs(const RunComparison& comparison, const std::string& first)
{
    std::vector<std::string> headings = {first};
    for (const store::ComparedRun& run : comparison.runs)
        headings.push_back(
            std::string(">").append(std::to_string(run.record.id)).append(" ").append(printable(run.record.name, 24)));
    return Table(headings);
}

std::string results_text(const RunComparison& comparison)
{
    Table table = table_of_runs(comparison, "result (*: best)");
    std::vector<std::string> states = {"state"};
    for (const store::ComparedRun& run : comparison.runs)
        states.emplace_back(to_string(run.record.state));
    table.add(states);
    for (const store::ComparedResult& result : comparison.results) {
        std::vector<std::string> row = {name_of(result)};
        for (std::size_t run = 0; run < result.values.size(); ++run)
            row.push_back(
                result.values[run] ? std::string(result.best[run] ? "* " : "").append(text_of(result, *result.values[run])) : "-");
        table.add(row);
    }
    return table.text();
}

std::string settings_text(const RunComparison& comparison, bool differences_only)
{
    Table table = table_of_runs(comparison, differences_only ? "setting that differs" : "setting (!: differs)");
    bool any = false;
    for (const store::ComparedSetting& setting : comparison.settings) {
        if (differences_only && !setting.differs)
            continue;
        any = true;
        std::vector<std::string> row = {std::string(setting.differs && !differences_only ? "! " : "").append(setting.key)};
        for (const std::optional<std::string>& value : setting.values)
            row.push_back(value ? printable(*value, widest_cell) : "-");
        table.add(row);
    }
    if (any)
        return std::string("\n").append(table.text());
    return differences_only ? "\nno setting differs\n" : "";
}

std::string repetitions_text(const RunComparison& comparison)
{
    std::string text;
    for (const store::Repetition& repetition : comparison.repetitions) {
        std::string ids;
        for (const std::size_t run : repetition.runs)
            ids += (ids.empty() ? "" : ", ") + std::to_string(comparison.runs[run].record.id);
        Table table({"runs " + ids + ", which differ only in the seed", ">mean", ">deviation", ">runs"});
        for (std::size_t place = 0; place < repetition.results.size(); ++place)
            if (const auto& repeated = repetition.results[place]) {
                const store::ComparedResult& result = comparison.results[place];
                table.add({name_of(result), text_of(result, repeated->mean),
                    repeated->count > 1 ? deviation_text(result, repeated->deviation) : "-", std::to_string(repeated->count)});
            }
        text.append("\n").append(table.text());
    }
    return text;
}

} // namespace

int compare_runs(const Context& context, const CompareOptions& options)
{
    const std::vector<int> ids = run_ids_from(options.ids, "pipebd runs compare ID ID");
    const RunComparison comparison = store::compare_runs(context.existing_lab(), ids);
    bool damaged = false;
    for (const store::ComparedRun& run : comparison.runs)
        damaged = warn_if_damaged(run.record) || damaged;
    if (!options.csv.empty())
        write_output_file("--csv", options.csv, to_csv(comparison, options.differences_only));
    if (!options.html.empty())
        write_output_file("--html", options.html, comparison_report(comparison));
    if (context.json)
        std::cout << to_json(comparison, options.differences_only) << "\n";
    else if (!context.quiet)
        std::cout << results_text(comparison) << settings_text(comparison, options.differences_only)
                  << repetitions_text(comparison);
    if (!options.html.empty() && !context.json && !context.quiet)
        std::cout << "\nreport: " << options.html << "\n";
    return damaged ? 1 : 0;
}

} // namespace pipebd::cli
