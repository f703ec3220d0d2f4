#include "base/error.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/damage.h"
#include "cli/output_file.h"
#include "launch/run_json.h"
#include "store/comparison_tables.h"
#include "store/run_copy.h"
#include "store/run_timelines.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <vector>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What was written, for people and as JSON.
struct Written {
    std::string text;
    Json json = Json::object();
};

void export_trace(const store::RunRecord& run, const std::string& file, Written& written)
{
    const store::RunTrace trace = store::trace_of(run);
    write_output_file("--trace", file, trace.json);
    written.json.update({{"trace", file}, {"predicted", trace.predicted}, {"measured", trace.measured}});
    written.text += file + ": " + std::to_string(trace.predicted) + " predicted and " + std::to_string(trace.measured)
        + " measured instructions; ui.perfetto.dev opens it\n";
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
    const store::RunRecord run = context.existing_lab().run(run_id_from(options.id, "pipebd runs export ID --trace FILE"));
    if (options.trace.empty() && options.csv.empty() && options.metrics.empty() && options.folder.empty())
        throw Error(Code::BadRequest, "nothing to export was given", "pipebd runs export",
            "give --trace FILE, --csv FILE, --metrics FILE or --folder DIR");
    const bool damaged = warn_if_damaged(run);
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
    return damaged ? 1 : 0;
}

} // namespace pipebd::cli
