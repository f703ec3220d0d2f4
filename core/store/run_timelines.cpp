#include "store/run_timelines.h"

#include "base/error.h"
#include "schedule/comparison.h"
#include "schedule/measured_timeline.h"
#include "schedule/profile.h"
#include "schedule/trace.h"

#include <nlohmann/json.hpp>

#include <utility>
#include <vector>

namespace pipebd::store {

namespace {

constexpr int simulated_steps_of_traces = 96; // of each phase: the second half of them is steady

int buffers_of(const std::string& spec)
{
    using Json = nlohmann::json;
    const Json json = Json::parse(spec, nullptr, false);
    const Json::const_iterator found = json.is_object() ? json.find("buffers") : json.end();
    return found != json.end() && found->is_number_integer() ? found->get<int>() : schedule::SimulationOptions().buffers;
}

} // namespace

RunTimelines timelines_of(const RunStore& store, int steps)
{
    RunTimelines timelines;
    timelines.program = schedule::from_text(store.document("program"), "the run's program");
    const std::string profile = store.document("profile");
    if (!profile.empty())
        timelines.predicted = schedule::simulate(timelines.program, schedule::profile_from_json(profile, "the run's profile"),
            {.steps = steps, .buffers = buffers_of(store.document("spec"))});
    std::vector<schedule::Span> reports;
    for (const MeasuredSpan& span : store.spans())
        if (std::in_range<int>(span.step))
            reports.push_back({.device = span.rank,
                .phase = span.phase,
                .step = static_cast<int>(span.step),
                .index = span.index,
                .start = span.start,
                .end = span.end});
    timelines.measured = schedule::measured_timeline(timelines.program, reports);
    return timelines;
}

RunTrace trace_of(const RunRecord& run)
{
    const RunTimelines timelines
        = timelines_of(RunStore(run.folder / "run.sqlite", RunStore::Mode::ReadOnly), simulated_steps_of_traces);
    const schedule::SideBySide both = side_by_side(timelines.program, timelines.predicted, timelines.measured);
    if (both.measured.spans.empty())
        throw Error(Code::NotFound, "no step of this run was measured", "run " + std::to_string(run.id),
            "the first steps of a run are measured, and then some at intervals");
    std::vector<schedule::Traced> all;
    if (!both.predicted.spans.empty())
        all.push_back({"predicted", timelines.program, both.predicted, both.memory});
    all.push_back({"measured", timelines.program, both.measured, {}});
    return {to_chrome_trace(all, schedule::Grouping::ByDevice), both.predicted.spans.size(), both.measured.spans.size()};
}

} // namespace pipebd::store
