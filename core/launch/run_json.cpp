#include "launch/run_json.h"

#include "store/resumption.h"

#include <nlohmann/json.hpp>

namespace pipebd::launch {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json)
{
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json null_if_empty(const std::string& text)
{
    return text.empty() ? Json() : Json(text);
}

Json summary(const store::RunRecord& run, const store::Annotation& annotation)
{
    return {{"id", run.id}, {"name", run.name}, {"pair", run.pair}, {"strategy", run.strategy}, {"devices", run.devices},
        {"state", to_string(run.state)}, {"started", null_if_empty(run.started)}, {"throughput", run.throughput},
        {"final_loss", run.final_loss}, {"folder", run.folder.string()}, {"tags", annotation.tags}, {"note", annotation.note},
        {"deleted", null_if_empty(annotation.deleted)}};
}

/// What resuming it would keep; null if it cannot be resumed, or need not be.
Json resumption(const store::RunRecord& run)
{
    const std::optional<store::Resumption> kept = store::resumption_of(run);
    return kept ? Json{{"checkpoint", kept->checkpoint.filename().string()}, {"from", kept->from}, {"repeated", kept->repeated}}
                : Json();
}

Json results(const store::RunRecord& run, const store::RunDetails& details)
{
    Json json = {{"steps", run.steps}, {"steps_done", run.steps_done}, {"step", run.measured_step}, {"throughput", run.throughput},
        {"first_loss", run.first_loss}, {"final_loss", run.final_loss},
        {"test_accuracy", run.accuracy >= 0 ? Json(run.accuracy) : Json()}, {"finished", null_if_empty(run.finished)},
        {"error", null_if_empty(run.error)}};
    json["stopping"] = run.stopping >= 0 && !is_final(run.state) ? Json(run.stopping) : Json();
    json["resumption"] = resumption(run);
    json["resumed_from"] = run.resumed_from > 0 ? Json(run.resumed_from) : Json();
    json["resumed_checkpoint"] = null_if_empty(run.resumed_checkpoint);
    json["stage"] = null_if_empty(run.stage);
    json["weights_from"] = run.weights_from > 0 ? Json(run.weights_from) : Json();
    json["evaluation"] = details.evaluation;
    json["culprit"] = run.culprit >= 0 ? Json(run.culprit) : Json();
    json["last_lines"] = run.last_lines;
    json["peak_memory_bytes"] = details.peak_memory;
    return json;
}

Json settings(const std::string& spec)
{
    const Json parsed = Json::parse(spec, nullptr, false);
    return parsed.is_object() ? parsed.value("experiment", Json()) : Json();
}

Json or_null(std::optional<double> number)
{
    return number ? Json(*number) : Json();
}

Json kinds(const std::vector<schedule::KindTime>& times)
{
    Json json = Json::array();
    for (const schedule::KindTime& time : times)
        json.push_back({{"kind", time.kind}, {"predicted", or_null(time.predicted)}, {"measured", or_null(time.measured)},
            {"error", or_null(time.error())}});
    return json;
}

/// Milliseconds of one step of all blocks, and how far off the measured one is, as a part of it.
Json prediction(const store::RunRecord& run, const store::RunDetails& details)
{
    if (run.predicted_step <= 0)
        return {};
    Json json = {{"step", run.predicted_step}};
    json["error"] = run.measured_step > 0 ? Json(run.predicted_step / run.measured_step - 1) : Json();
    json["kinds"] = kinds(details.kinds);
    json["memory_bytes"] = details.planned_memory;
    return json;
}

Json stage_of(const store::RunRecord& run, const store::RunDetails& details)
{
    return {{"stage", null_if_empty(run.stage)}, {"id", run.id}, {"evaluation", details.evaluation}};
}

Json all_of(const store::RunRecord& run, const store::RunDetails& details, const std::vector<store::RunRecord>& earlier,
    const store::Annotation& annotation)
{
    Json json = summary(run, annotation);
    json["settings"] = settings(details.spec);
    json["results"] = results(run, details);
    json["prediction"] = prediction(run, details);
    if (!details.damage.empty())
        json["damage"] = details.damage;
    if (earlier.empty())
        return json;
    json["stages"] = Json::array();
    for (const store::RunRecord& stage : earlier)
        json["stages"].push_back(stage_of(stage, store::details_of(stage)));
    json["stages"].push_back(stage_of(run, details));
    return json;
}

} // namespace

std::string runs_to_json(const std::vector<store::RunRecord>& runs, const std::map<int, store::Annotation>& annotations)
{
    Json json = Json::array();
    for (const store::RunRecord& run : runs) {
        const auto found = annotations.find(run.id);
        json.push_back(summary(run, found == annotations.end() ? store::Annotation() : found->second));
    }
    return text_of(json);
}

std::string run_to_json(const store::RunRecord& run, const store::RunDetails& details, const std::vector<store::RunRecord>& earlier,
    const store::Annotation& annotation)
{
    return text_of(all_of(run, details, earlier, annotation));
}

std::string metrics_to_json(const store::RunRecord& run, const store::RunStore& store, const std::vector<store::RunRecord>& earlier)
{
    Json json = {{"format", "pipebd.metrics/1"}};
    json.update(all_of(run, store::details_of(store), earlier, {}));
    json["series"] = Json::array();
    for (const store::Series& series : store.series()) {
        Json steps = Json::array();
        Json times = Json::array();
        Json values = Json::array();
        for (const store::Sample& sample : store.samples(series)) {
            steps.push_back(sample.step);
            times.push_back(sample.t);
            values.push_back(sample.value);
        }
        json["series"].push_back({{"name", series.name}, {"rank", series.rank}, {"block", series.block}, {"step", std::move(steps)},
            {"t", std::move(times)}, {"value", std::move(values)}});
    }
    return text_of(json);
}

std::string prepared_to_json(
    const std::filesystem::path& spec, const std::vector<std::string>& commands, const std::vector<std::string>& launch)
{
    return text_of({{"spec", spec.string()}, {"commands", commands}, {"launch", launch}});
}

} // namespace pipebd::launch
