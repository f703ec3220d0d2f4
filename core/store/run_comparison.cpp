#include "store/run_comparison.h"

#include "base/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>
#include <utility>

namespace pipebd::store {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kinds = {
    ResultKind{"throughput", Better::Higher, Unit::SamplesPerSecond},
    ResultKind{"measured_step", Better::Lower, Unit::Milliseconds},
    ResultKind{"predicted_step", Better::Neither, Unit::Milliseconds},
    ResultKind{"prediction_error", Better::NearerToNothing, Unit::Share},
    ResultKind{"wall_time", Better::Lower, Unit::Seconds},
    ResultKind{"first_loss", Better::Neither, Unit::Number},
    ResultKind{"final_loss", Better::Lower, Unit::Number},
    ResultKind{"test_accuracy", Better::Higher, Unit::Share},
    ResultKind{"test_accuracy_top5", Better::Higher, Unit::Share},
    ResultKind{"peak_memory", Better::Lower, Unit::Bytes},
    ResultKind{"planned_memory", Better::Neither, Unit::Bytes},
    ResultKind{"macs", Better::Lower, Unit::Count},
    ResultKind{"parameters", Better::Lower, Unit::Count},
};

std::optional<double> if_positive(double value)
{
    return value > 0 && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> largest(const std::vector<std::int64_t>& bytes)
{
    return bytes.empty() ? std::nullopt : std::optional(static_cast<double>(*std::max_element(bytes.begin(), bytes.end())));
}

std::optional<double> evaluated(const ComparedRun& run, const std::string& name)
{
    const auto found = run.details.evaluation.find(name);
    return found != run.details.evaluation.end() && std::isfinite(found->second) ? std::optional(found->second) : std::nullopt;
}

/// One value: that of a network that is trained end to end.
std::optional<double> loss_of(const std::vector<double>& losses, int block)
{
    const std::size_t place = block < 0 ? 0 : static_cast<std::size_t>(block);
    const bool in_blocks = losses.size() > 1;
    if (in_blocks != (block >= 0) || place >= losses.size() || !std::isfinite(losses[place]))
        return std::nullopt;
    return losses[place];
}

std::optional<double> value_of(const ComparedRun& run, std::string_view key, int block)
{
    const RunRecord& record = run.record;
    if (key == "throughput")
        return if_positive(record.throughput);
    if (key == "measured_step")
        return if_positive(record.measured_step);
    if (key == "predicted_step")
        return if_positive(record.predicted_step);
    if (key == "prediction_error")
        return if_positive(record.predicted_step) && if_positive(record.measured_step)
            ? std::optional(record.predicted_step / record.measured_step - 1)
            : std::nullopt;
    if (key == "wall_time")
        return wall_seconds(record);
    if (key == "first_loss")
        return loss_of(record.first_loss, block);
    if (key == "final_loss")
        return loss_of(record.final_loss, block);
    if (key == "test_accuracy")
        return record.accuracy >= 0 ? std::optional(record.accuracy) : evaluated(run, "test_accuracy");
    if (key == "peak_memory")
        return largest(run.details.peak_memory);
    if (key == "planned_memory")
        return largest(run.details.planned_memory);
    return evaluated(run, std::string(key));
}

/// Smaller is better.
double cost(Better better, double value)
{
    return better == Better::Higher ? -value : better == Better::NearerToNothing ? std::abs(value) : value;
}

std::vector<bool> best_of(const std::vector<ComparedRun>& runs, Better better, const std::vector<std::optional<double>>& values)
{
    std::vector<bool> best(values.size(), false);
    std::set<double> costs;
    const auto counts = [&](std::size_t run) { return values[run] && runs[run].record.state == RunState::Finished; };
    for (std::size_t run = 0; run < values.size(); ++run)
        if (counts(run))
            costs.insert(cost(better, *values[run]));
    if (better == Better::Neither || costs.size() < 2)
        return best;
    for (std::size_t run = 0; run < values.size(); ++run)
        best[run] = counts(run) && cost(better, *values[run]) == *costs.begin();
    return best;
}

int blocks_of(const std::vector<ComparedRun>& runs)
{
    std::size_t blocks = 0;
    for (const ComparedRun& run : runs)
        blocks = std::max({blocks, run.record.first_loss.size(), run.record.final_loss.size()});
    return static_cast<int>(blocks);
}

std::vector<ComparedResult> results_of(const std::vector<ComparedRun>& runs)
{
    std::vector<ComparedResult> results;
    const int blocks = blocks_of(runs);
    for (const ResultKind& kind : kinds) {
        const bool by_block = kind.key == "first_loss" || kind.key == "final_loss";
        for (int block = -1; block < (by_block ? blocks : 0); ++block) {
            ComparedResult result = {
                .key = std::string(kind.key), .block = block, .better = kind.better, .unit = kind.unit, .values = {}, .best = {}};
            for (const ComparedRun& run : runs)
                result.values.push_back(value_of(run, kind.key, block));
            if (std::none_of(result.values.begin(), result.values.end(), [](const auto& value) { return value.has_value(); }))
                continue;
            result.best = best_of(runs, kind.better, result.values);
            results.push_back(std::move(result));
        }
    }
    return results;
}

using Values = std::vector<std::pair<std::string, std::string>>; // in order

void flatten(const Json& json, const std::string& prefix, Values& values)
{
    for (const auto& [key, value] : json.items()) {
        const std::string path = prefix.empty() ? key : prefix + "." + key;
        if (value.is_object())
            flatten(value, path, values);
        else
            values.emplace_back(path, value.is_string() ? value.get<std::string>() : value.dump());
    }
}

Values settings_of(const ComparedRun& run)
{
    Values values;
    if (run.experiment)
        flatten(Json::parse(experiment::to_json(*run.experiment)), {}, values);
    return values;
}

/// Every key that one of them has; one that only some have stands behind that which stands before it there.
std::vector<std::string> keys_of(const std::vector<Values>& all)
{
    std::vector<std::string> keys;
    for (const Values& values : all) {
        auto place = keys.begin();
        for (const auto& [key, value] : values) {
            auto found = std::find(keys.begin(), keys.end(), key);
            if (found == keys.end())
                found = keys.insert(place, key);
            place = found + 1;
        }
    }
    return keys;
}

std::vector<ComparedSetting> settings_of(const std::vector<ComparedRun>& runs)
{
    std::vector<Values> all;
    for (const ComparedRun& run : runs)
        all.push_back(settings_of(run));
    std::vector<ComparedSetting> settings;
    for (const std::string& key : keys_of(all)) {
        ComparedSetting setting = {.key = key, .values = {}};
        std::set<std::optional<std::string>> different;
        for (std::size_t run = 0; run < runs.size(); ++run) {
            const auto found
                = std::find_if(all[run].begin(), all[run].end(), [&](const auto& value) { return value.first == key; });
            setting.values.push_back(found == all[run].end() ? std::nullopt : std::optional(found->second));
            if (runs[run].experiment)
                different.insert(setting.values.back());
        }
        setting.differs = different.size() > 1;
        settings.push_back(std::move(setting));
    }
    return settings;
}

bool differ_in_the_seed_only(experiment::Experiment a, const experiment::Experiment& b)
{
    a.seed = b.seed;
    a.name = b.name;
    return a == b;
}

std::optional<RepeatedResult> repeated(
    const std::vector<ComparedRun>& runs, const ComparedResult& result, const std::vector<std::size_t>& members)
{
    std::vector<double> values;
    for (const std::size_t run : members)
        if (result.values[run] && runs[run].record.state == RunState::Finished)
            values.push_back(*result.values[run]);
    if (values.empty())
        return std::nullopt;
    RepeatedResult statistics = {.count = values.size()};
    const auto count = static_cast<double>(values.size());
    for (const double value : values)
        statistics.mean += value / count;
    double squares = 0;
    for (const double value : values)
        squares += (value - statistics.mean) * (value - statistics.mean);
    if (values.size() > 1)
        statistics.deviation = std::sqrt(squares / (count - 1));
    return statistics;
}

std::vector<Repetition> repetitions_of(const std::vector<ComparedRun>& runs, const std::vector<ComparedResult>& results)
{
    std::vector<Repetition> all;
    for (std::size_t run = 0; run < runs.size(); ++run) {
        const auto repeats = [&](const Repetition& repetition) {
            const auto& first = runs[repetition.runs.front()].experiment;
            return first && runs[run].experiment && differ_in_the_seed_only(*runs[run].experiment, *first);
        };
        const auto found = std::find_if(all.begin(), all.end(), repeats);
        if (found != all.end())
            found->runs.push_back(run);
        else
            all.push_back({.runs = {run}, .results = {}});
    }
    std::erase_if(all, [](const Repetition& repetition) { return repetition.runs.size() < 2; });
    for (Repetition& repetition : all)
        for (const ComparedResult& result : results)
            repetition.results.push_back(repeated(runs, result, repetition.runs));
    return all;
}

std::optional<experiment::Experiment> experiment_of(const RunDetails& details)
{
    const Json spec = Json::parse(details.spec, nullptr, false);
    if (!spec.is_object() || !spec.contains("experiment"))
        return std::nullopt;
    try {
        return experiment::experiment_from_json(spec["experiment"].dump(), "the run's spec");
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<double> seconds_of(const std::string& date)
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    double second = 0;
    if (std::sscanf(date.c_str(), "%4d-%2u-%2uT%2d:%2d:%lf", &year, &month, &day, &hour, &minute, &second) != 6)
        return std::nullopt;
    using namespace std::chrono;
    const sys_days midnight = std::chrono::year(year) / month / day;
    return static_cast<double>(midnight.time_since_epoch().count()) * 86'400 + hour * 3'600 + minute * 60 + second;
}

} // namespace

std::span<const ResultKind> known_results()
{
    return kinds;
}

std::optional<double> wall_seconds(const RunRecord& run)
{
    const std::optional<double> start = seconds_of(run.started);
    const std::optional<double> end = seconds_of(run.finished);
    return start && end && *end >= *start ? std::optional(*end - *start) : std::nullopt;
}

ComparedRun read_compared_run(const RunRecord& record, const Annotation& annotation)
{
    ComparedRun run = {.record = record, .annotation = annotation, .experiment = {}, .details = details_of(record)};
    run.experiment = experiment_of(run.details);
    return run;
}

RunComparison compare_runs(std::vector<ComparedRun> runs)
{
    RunComparison comparison;
    comparison.results = results_of(runs);
    comparison.settings = settings_of(runs);
    comparison.repetitions = repetitions_of(runs, comparison.results);
    comparison.runs = std::move(runs);
    return comparison;
}

RunComparison compare_runs(const Lab& lab, std::span<const int> ids)
{
    std::vector<ComparedRun> runs;
    std::set<int> seen;
    for (const int id : ids)
        if (seen.insert(id).second)
            runs.push_back(read_compared_run(lab.run(id), lab.annotation(id)));
    return compare_runs(std::move(runs));
}

} // namespace pipebd::store
