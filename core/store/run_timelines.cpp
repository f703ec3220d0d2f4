#include "store/run_timelines.h"

#include "schedule/measured_timeline.h"
#include "schedule/profile.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace pipebd::store {

namespace {

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

} // namespace pipebd::store
