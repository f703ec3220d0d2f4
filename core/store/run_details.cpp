#include "store/run_details.h"

#include "base/error.h"
#include "store/if_readable.h"
#include "store/run_damage.h"
#include "store/run_timelines.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace pipebd::store {

namespace {

/// `memory_bytes` of the only strategy of a plan.
std::vector<std::int64_t> planned_memory(const std::string& plan)
{
    using Json = nlohmann::json;
    try {
        return Json::parse(plan).at("strategies").at(0).at("memory_bytes").get<std::vector<std::int64_t>>();
    } catch (const Json::exception&) {
        return {};
    }
}

std::vector<std::int64_t> peak_memory(const RunStore& store)
{
    std::vector<std::int64_t> peaks;
    for (const Series& series : store.series()) { // by rank
        if (series.name != "peak_memory_bytes" || series.rank != static_cast<int>(peaks.size()))
            continue;
        std::int64_t peak = 0;
        for (const Sample& sample : store.samples(series))
            if (std::isfinite(sample.value))
                peak = std::max(peak, static_cast<std::int64_t>(sample.value));
        peaks.push_back(peak);
    }
    return peaks;
}

/// What is told once, of the run as a whole.
constexpr std::array<std::string_view, 8> evaluations = {"teacher_accuracy", "teacher_accuracy_top5", "teacher_macs",
    "teacher_parameters", "test_accuracy", "test_accuracy_top5", "macs", "parameters"};

std::map<std::string, double> evaluation(const RunStore& store)
{
    std::map<std::string, double> values;
    for (const Series& series : store.series()) {
        if (std::find(evaluations.begin(), evaluations.end(), series.name) == evaluations.end())
            continue;
        if (const std::vector<Sample> samples = store.samples(series); !samples.empty())
            values[series.name] = samples.back().value;
    }
    return values;
}

} // namespace

RunDetails details_of(const RunStore& store)
{
    RunDetails details;
    if_readable([&] { details.spec = store.document("spec"); });
    if_readable([&] { details.planned_memory = planned_memory(store.document("plan")); });
    if_readable([&] { details.peak_memory = peak_memory(store); });
    if_readable([&] { details.evaluation = evaluation(store); });
    if_readable([&] {
        const RunTimelines timelines = timelines_of(store);
        if (!timelines.predicted.timeline.spans.empty() && !timelines.measured.spans.empty())
            details.kinds = schedule::compare(timelines.program, timelines.predicted.timeline, timelines.measured);
    });
    return details;
}

RunDetails details_of(const RunRecord& run)
{
    RunDetails details;
    if_readable([&] { details = details_of(RunStore(run.folder / "run.sqlite", RunStore::Mode::ReadOnly)); });
    details.damage = damage_of(run);
    return details;
}

} // namespace pipebd::store
