#include "base/error.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/output_file.h"
#include "launch/run_json.h"
#include "schedule/comparison.h"
#include "schedule/trace.h"
#include "store/comparison_tables.h"
#include "store/run_copy.h"
#include "store/run_timelines.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <vector>

namespace pipebd::cli {

namespace {

constexpr int simulated_steps = 96; // of each phase: the second half of them is steady

using Json = nlohmann::ordered_json;

/// What was written, for people and as JSON.
struct Written {
    std::string text;
    Json json = Json::object();
};

void export_trace(const store::RunRecord& run, const std::string& file, Written& written)
{
    const store::RunTimelines timelines
        = store::timelines_of(store::RunStore(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly), simulated_steps);
    const schedule::SideBySide both = side_by_side(timelines.program, timelines.predicted, timelines.measured);
    if (both.measured.spans.empty())
        throw Error(Code::NotFound, "no step of it has been measured", "run " + std::to_string(run.id),
            "the first steps of a run are measured, and some at intervals");

    std::vector<schedule::Traced> all;
    if (!both.predicted.spans.empty())
        all.push_back({"predicted", timelines.program, both.predicted, both.memory});
    all.push_back({"measured", timelines.program, both.measured, {}});
    write_output_file("--trace", file, to_chrome_trace(all, schedule::Grouping::ByDevice));
    written.json.update({{"trace", file}, {"predicted", both.predicted.spans.size()}, {"measured", both.measured.spans.size()}});
    written.text += file + ": " + std::to_string(both.predicted.spans.size()) + " predicted and "
        + std::to_string(both.measured.spans.size()) + " measured instructions; ui.perfetto.dev opens it\n";
}

void export_file(const std::string& option, const std::string& file, const std::string& contents, Written& written)
{
    write_output_file("--" + option, file, contents);
    written.json[option] = file;
    written.text += file + ": " + format_bytes(static_cast<std::int64_t>(contents.size())) + "\n";
}

} // namespace

int export_run(const Context& context, const ExportOptions& options)
{
    const store::RunRecord run = context.open_lab().run(run_id_from(options.id, "pipebd runs export ID --trace FILE"));
    if (options.trace.empty() && options.csv.empty() && options.metrics.empty() && options.folder.empty())
        throw Error(Code::BadRequest, "it is not said what to export", "pipebd runs export",
            "give --trace FILE, --csv FILE, --metrics FILE or --folder DIR");
    Written written;
    if (!options.trace.empty())
        export_trace(run, options.trace, written);
    if (!options.csv.empty() || !options.metrics.empty()) {
        const store::RunStore store(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        if (!options.csv.empty())
            export_file("csv", options.csv, samples_to_csv(store), written);
        if (!options.metrics.empty())
            export_file("metrics", options.metrics, launch::metrics_to_json(run, store) + "\n", written);
    }
    if (!options.folder.empty()) {
        const std::filesystem::path copy = named_by_user([&] { return store::copy_run(run, options.folder); });
        written.json["folder"] = copy.string();
        written.text += copy.string() + ": the whole run\n";
    }
    if (context.json)
        std::cout << written.json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    else if (!context.quiet)
        std::cout << written.text;
    return 0;
}

} // namespace pipebd::cli
