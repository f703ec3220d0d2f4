#include "base/error.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/trace_file.h"
#include "schedule/comparison.h"
#include "schedule/trace.h"
#include "store/run_timelines.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <vector>

namespace pipebd::cli {

namespace {

constexpr int simulated_steps = 96; // of each phase: the second half of them is steady

} // namespace

int export_run(const Context& context, const ExportOptions& options)
{
    const store::RunRecord run = context.open_lab().run(run_id_from(options.id, "pipebd runs export ID --trace FILE"));
    if (options.trace.empty())
        throw Error(Code::BadRequest, "it is not said what to export", "pipebd runs export", "give --trace FILE");
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
    write_trace_file(options.trace, to_chrome_trace(all, schedule::Grouping::ByDevice));
    if (context.json)
        std::cout << nlohmann::json{{"trace", options.trace}, {"predicted", both.predicted.spans.size()},
            {"measured", both.measured.spans.size()}}
                         .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
                  << "\n";
    else if (!context.quiet)
        std::cout << options.trace << ": " << both.predicted.spans.size() << " predicted and " << both.measured.spans.size()
                  << " measured instructions; ui.perfetto.dev opens it\n";
    return 0;
}

} // namespace pipebd::cli
