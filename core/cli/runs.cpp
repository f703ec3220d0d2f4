#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/print_run.h"
#include "cli/table.h"
#include "launch/import.h"
#include "launch/run_json.h"

#include <iostream>

namespace pipebd::cli {

int list_runs(const Context& context)
{
    const std::vector<store::RunRecord> runs = context.open_lab().runs();
    if (context.json) {
        std::cout << launch::runs_to_json(runs) << "\n";
        return 0;
    }
    Table table({">id", "name", "strategy", "devices", "state", "started", ">samples/s", ">steps"});
    for (const store::RunRecord& run : runs)
        table.add({std::to_string(run.id), printable(run.name, 40), printable(run.strategy, 40), devices_text(run),
            std::string(to_string(run.state)), run.started, run.throughput > 0 ? fixed(run.throughput, 1) : "-",
            std::to_string(run.steps_done) + "/" + std::to_string(run.steps)});
    std::cout << table.text();
    return 0;
}

int show_run(const Context& context, const std::string& id)
{
    const store::RunRecord run = context.open_lab().run(run_id_from(id, "pipebd runs show ID"));
    const store::RunDetails details = store::details_of(run);
    if (context.json)
        std::cout << launch::run_to_json(run, details) << "\n";
    else
        std::cout << run_text(run, details);
    return 0;
}

int import_run(const Context& context, const ImportOptions& options)
{
    if (options.folder.empty())
        throw Error(Code::BadRequest, "no folder is named", "pipebd runs import DIR", "name the one that holds spec.json");
    store::Lab lab = context.open_lab();
    const launch::ImportedRun imported = named_by_user([&] { return launch::import_run(lab, options.folder, options.name); });
    for (const std::string& warning : imported.warnings)
        std::cerr << "pipebd: warning: " << printable(warning) << "\n";
    const store::RunDetails details = store::details_of(imported.record);
    if (context.json)
        std::cout << launch::run_to_json(imported.record, details) << "\n";
    else if (!context.quiet)
        std::cout << run_text(imported.record, details);
    return 0;
}

} // namespace pipebd::cli
