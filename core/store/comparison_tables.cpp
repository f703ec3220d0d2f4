#include "store/comparison_tables.h"

#include "base/csv.h"

#include <nlohmann/json.hpp>

#include <array>

namespace pipebd::store {

namespace {

using Json = nlohmann::ordered_json;

std::string joined_with(const std::vector<std::string>& words, char between)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : std::string(1, between)) + word;
    return text;
}

CsvWriter& known(CsvWriter& csv, double value, bool is_known)
{
    return is_known ? csv.number(value) : csv.empty();
}

std::string_view to_string(Better better)
{
    constexpr std::array<std::string_view, 4> names = {"higher", "lower", "nearer-to-nothing", "neither"};
    return names[static_cast<std::size_t>(better)];
}

std::string_view to_string(Unit unit)
{
    constexpr std::array<std::string_view, 7> names = {"samples/s", "ms", "s", "bytes", "share", "count", "number"};
    return names[static_cast<std::size_t>(unit)];
}

std::string key_of(const ComparedResult& result)
{
    return result.block < 0 ? result.key : result.key + "[" + std::to_string(result.block) + "]";
}

/// A cell a run, each of what `take` gives of it.
template <typename Take>
void line(CsvWriter& csv, std::string_view kind, std::string_view key, const RunComparison& comparison, Take take)
{
    csv.text(kind).text(key);
    for (const ComparedRun& run : comparison.runs)
        csv.text(take(run));
    csv.end_line();
}

template <typename Value>
Json or_null(const std::optional<Value>& value)
{
    return value ? Json(*value) : Json();
}

template <typename Value>
Json array_of(const std::vector<std::optional<Value>>& values)
{
    Json json = Json::array();
    for (const std::optional<Value>& value : values)
        json.push_back(or_null(value));
    return json;
}

Json json_of(const ComparedRun& run)
{
    const RunRecord& record = run.record;
    return {{"id", record.id}, {"name", record.name}, {"pair", record.pair}, {"strategy", record.strategy},
        {"devices", record.devices}, {"state", to_string(record.state)}, {"started", record.started}, {"tags", run.annotation.tags},
        {"note", run.annotation.note}};
}

Json kinds_of(const ComparedRun& run)
{
    Json json = Json::array();
    for (const schedule::KindTime& kind : run.details.kinds)
        json.push_back({{"kind", kind.kind}, {"predicted", or_null(kind.predicted)}, {"measured", or_null(kind.measured)},
            {"error", or_null(kind.error())}});
    return json;
}

Json json_of(const Repetition& repetition, const RunComparison& comparison)
{
    Json json = {{"runs", Json::array()}, {"results", Json::array()}};
    for (const std::size_t run : repetition.runs)
        json["runs"].push_back(comparison.runs[run].record.id);
    for (std::size_t place = 0; place < repetition.results.size(); ++place)
        if (const std::optional<RepeatedResult>& result = repetition.results[place])
            json["results"].push_back({{"key", comparison.results[place].key}, {"block", comparison.results[place].block},
                {"count", result->count}, {"mean", result->mean}, {"deviation", result->deviation}});
    return json;
}

} // namespace

std::string runs_to_csv(std::span<const RunRecord> runs, const std::map<int, Annotation>& annotations)
{
    CsvWriter csv;
    for (const char* heading : {"id", "name", "pair", "strategy", "devices", "state", "stage", "created", "started", "finished",
             "steps", "steps_done", "throughput", "measured_step_ms", "predicted_step_ms", "final_loss", "test_accuracy", "tags",
             "note", "deleted", "error", "folder"})
        csv.text(heading);
    csv.end_line();
    for (const RunRecord& run : runs) {
        const auto found = annotations.find(run.id);
        const Annotation annotation = found == annotations.end() ? Annotation() : found->second;
        std::vector<std::string> losses;
        for (const double loss : run.final_loss)
            losses.push_back(shortest(loss));
        csv.whole(run.id).text(run.name).text(run.pair).text(run.strategy).text(joined_with(run.devices, ','));
        csv.text(to_string(run.state)).text(run.stage).text(run.created).text(run.started).text(run.finished);
        csv.whole(run.steps).whole(run.steps_done);
        known(csv, run.throughput, run.throughput > 0);
        known(csv, run.measured_step, run.measured_step > 0);
        known(csv, run.predicted_step, run.predicted_step > 0);
        csv.text(joined_with(losses, ' '));
        known(csv, run.accuracy, run.accuracy >= 0);
        csv.text(joined_with(annotation.tags, ',')).text(annotation.note).text(annotation.deleted);
        csv.text(run.error).text(run.folder.string());
        csv.end_line();
    }
    return csv.contents();
}

std::string samples_to_csv(const RunStore& store)
{
    CsvWriter csv;
    for (const char* heading : {"series", "rank", "block", "step", "t", "value"})
        csv.text(heading);
    csv.end_line();
    std::int64_t after = 0;
    for (const Sample& sample : store.new_samples(after)) {
        csv.text(sample.series.name).whole(sample.series.rank).whole(sample.series.block).whole(sample.step);
        csv.number(sample.t).number(sample.value);
        csv.end_line();
    }
    return csv.contents();
}

std::string to_csv(const RunComparison& comparison, bool differences_only)
{
    CsvWriter csv;
    csv.text("kind").text("key");
    for (const ComparedRun& run : comparison.runs)
        csv.text("run " + std::to_string(run.record.id));
    csv.end_line();
    line(csv, "run", "name", comparison, [](const ComparedRun& run) { return run.record.name; });
    line(csv, "run", "state", comparison, [](const ComparedRun& run) { return std::string(to_string(run.record.state)); });
    line(csv, "run", "tags", comparison, [](const ComparedRun& run) { return joined_with(run.annotation.tags, ','); });
    line(csv, "run", "note", comparison, [](const ComparedRun& run) { return run.annotation.note; });
    for (const ComparedResult& result : comparison.results) {
        csv.text("result").text(key_of(result));
        for (const std::optional<double>& value : result.values)
            known(csv, value.value_or(0), value.has_value());
        csv.end_line();
    }
    for (const ComparedSetting& setting : comparison.settings) {
        if (differences_only && !setting.differs)
            continue;
        csv.text("setting").text(setting.key);
        for (const std::optional<std::string>& value : setting.values)
            csv.text(value.value_or(""));
        csv.end_line();
    }
    return csv.contents();
}

std::string to_json(const RunComparison& comparison, bool differences_only)
{
    Json json = {{"format", "pipebd.comparison/1"}, {"runs", Json::array()}, {"results", Json::array()},
        {"settings", Json::array()}, {"repetitions", Json::array()}};
    for (const ComparedRun& run : comparison.runs) {
        json["runs"].push_back(json_of(run));
        json["runs"].back()["kinds"] = kinds_of(run);
    }
    for (const ComparedResult& result : comparison.results)
        json["results"].push_back({{"key", result.key}, {"block", result.block}, {"better", to_string(result.better)},
            {"unit", to_string(result.unit)}, {"values", array_of(result.values)}, {"best", result.best}});
    for (const ComparedSetting& setting : comparison.settings)
        if (setting.differs || !differences_only)
            json["settings"].push_back({{"key", setting.key}, {"differs", setting.differs}, {"values", array_of(setting.values)}});
    for (const Repetition& repetition : comparison.repetitions)
        json["repetitions"].push_back(json_of(repetition, comparison));
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

} // namespace pipebd::store
