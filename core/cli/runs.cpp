#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/damage.h"
#include "cli/output_file.h"
#include "cli/print_run.h"
#include "cli/run_filter.h"
#include "cli/table.h"
#include "launch/import.h"
#include "launch/run_json.h"
#include "store/comparison_tables.h"

#include <iostream>
#include <map>

namespace pipebd::cli {

namespace {

using Annotations = std::map<int, store::Annotation>;

store::Annotation annotation_of(const Annotations& annotations, const store::RunRecord& run)
{
    const auto found = annotations.find(run.id);
    return found == annotations.end() ? store::Annotation() : found->second;
}

std::string list_text(const std::vector<store::RunRecord>& runs, const Annotations& annotations)
{
    Table table({">id", "name", "strategy", "devices", "state", "started", ">samples/s", ">steps", "tags"});
    for (const store::RunRecord& run : runs) {
        const store::Annotation annotation = annotation_of(annotations, run);
        table.add({std::to_string(run.id), printable(run.name, 40), printable(run.strategy, 40), devices_text(run),
            std::string(to_string(run.state)) + (annotation.deleted.empty() ? "" : ", deleted"), run.started,
            run.throughput > 0 ? fixed(run.throughput, 1) : "-", std::to_string(run.steps_done) + "/" + std::to_string(run.steps),
            printable(joined(annotation.tags), 60)});
    }
    return table.text();
}

} // namespace

int list_runs(const Context& context, const ListRunsOptions& options)
{
    const RunFilter filter(options);
    const store::Lab lab = context.existing_lab();
    const Annotations annotations = lab.annotations();
    std::vector<store::RunRecord> runs = lab.runs();
    std::erase_if(runs, [&](const store::RunRecord& run) { return !filter.takes(run, annotation_of(annotations, run)); });
    if (!options.csv.empty())
        write_output_file("--csv", options.csv, store::runs_to_csv(runs, annotations));
    if (context.json)
        std::cout << launch::runs_to_json(runs, annotations) << "\n";
    else if (options.csv.empty())
        std::cout << list_text(runs, annotations);
    return 0;
}

int show_run(const Context& context, const std::string& text)
{
    const int id = run_id_from(text, "pipebd runs show ID");
    const store::Lab lab = context.existing_lab();
    const store::RunRecord run = lab.run(id);
    const store::Annotation annotation = lab.annotation(id);
    const store::RunDetails details = store::details_of(run);
    const bool damaged = warn_if_damaged(run);
    if (context.json)
        std::cout << launch::run_to_json(run, details, {}, annotation) << "\n";
    else
        std::cout << run_text(run, details, annotation);
    return damaged ? 1 : 0;
}

int import_run(const Context& context, const ImportOptions& options)
{
    if (options.folder.empty())
        throw Error(Code::BadRequest, "no folder given", "pipebd runs import DIR", "name the one that holds spec.json");
    store::Lab lab = context.writable_lab();
    const std::vector<launch::ImportedRun> imported
        = named_by_user([&] { return launch::import_stages(lab, options.folder, options.name); });
    for (const launch::ImportedRun& run : imported)
        for (const std::string& warning : run.warnings)
            std::cerr << "pipebd: warning: " << printable(warning) << "\n";
    if (context.json) {
        // One stage is an object, as ever; several are an array of them.
        for (std::size_t i = 0; i < imported.size(); ++i)
            std::cout << (imported.size() == 1 ? ""
                    : i == 0                   ? "["
                                               : ",\n")
                      << launch::run_to_json(imported[i].record, store::details_of(imported[i].record));
        std::cout << (imported.size() == 1 ? "\n" : "]\n");
    } else if (!context.quiet) {
        for (const launch::ImportedRun& run : imported)
            std::cout << run_text(run.record, store::details_of(run.record));
    }
    return 0;
}

} // namespace pipebd::cli
