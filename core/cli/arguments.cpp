#include "cli/arguments.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/named.h"
#include "experiment/cluster_file.h"
#include "experiment/fields.h"
#include "launch/engine_queries.h"
#include "schedule/stages.h"
#include "schedule/strategies.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <sstream>

namespace pipebd::cli {

namespace {

using experiment::Device;

using experiment::most_devices;

bool is_number(const std::string& text)
{
    return !text.empty() && text.find_first_not_of("0123456789", text.front() == '-' ? 1 : 0) == std::string::npos && text != "-";
}

std::optional<int> whole(const std::string& text, int least, int most)
{
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
        return std::nullopt;
    return number;
}

int count_from(const std::string& text, const std::string& where)
{
    if (const auto count = whole(text, 1, most_devices))
        return *count;
    throw Error(Code::BadRequest, in_quotes(text) + " is not a possible number of devices", where,
        "give a number from 1 to " + std::to_string(most_devices) + ", or a list such as cpu,cpu");
}

void refuse_cluster(const std::string& text, const std::string& where)
{
    if (is_cluster_file(text))
        throw Error(Code::BadRequest, "a cluster file describes devices that may not be here", where + " " + in_quotes(text),
            "name the devices of this computer, such as cpu,cpu or cuda:0,cuda:1; pipebd plan plans for a cluster");
}

} // namespace

experiment::Experiment experiment_from(const std::string& file, const std::vector<std::string>& settings, const std::string& usage)
{
    if (file.empty())
        throw Error(Code::BadRequest, "no experiment given", usage, "give an experiment file");
    return named_by_user([&] { return experiment::read_experiment(file, settings); });
}

std::vector<Device> devices_from(const std::string& text, const std::string& where, const std::atomic<bool>& cancel)
{
    if (text == "auto")
        return launch::every_device(launch::engine_devices(cancel));
    refuse_cluster(text, where);
    return experiment::parse_devices(text, where);
}

std::vector<Device> devices_for(
    const experiment::Experiment& experiment, const std::string& option, const std::atomic<bool>& cancel)
{
    const std::string& text = option.empty() ? experiment.run.devices : option;
    return devices_from(text, option.empty() ? "run.devices" : "--devices", cancel);
}

std::vector<Device> devices_or_count_from(const std::string& text, const std::string& where, const std::atomic<bool>& cancel)
{
    if (!is_number(text))
        return devices_from(text, where, cancel);
    const auto count = static_cast<std::size_t>(count_from(text, where));
    return experiment::as_many_as(count, launch::every_device(launch::engine_devices(cancel)));
}

bool is_cluster_file(const std::string& text)
{
    return text.ends_with(".toml");
}

schedule::Cluster cluster_from(const std::string& text, const std::string& where)
{
    if (is_number(text))
        return schedule::alike(count_from(text, where));
    if (text.empty() || text == "auto")
        throw Error(Code::BadRequest,
            text.empty() ? "the number of devices to plan for is missing"
                         : "'auto' means the devices of this computer, and a profile may come from another one",
            where, "give a number, a list such as cpu,cpu, or a cluster file");
    if (is_cluster_file(text))
        return named_by_user([&] { return experiment::read_cluster(text); });
    return schedule::alike(static_cast<int>(experiment::parse_devices(text, where).size()));
}

std::vector<std::string> strategies_from(const std::string& text, const std::string& where)
{
    std::vector<std::string> names;
    const auto add = [&](std::span<const std::string_view> some) {
        for (std::string_view name : some)
            if (std::find(names.begin(), names.end(), name) == names.end())
                names.emplace_back(name);
    };
    std::istringstream parts(text);
    for (std::string name; std::getline(parts, name, ',');) {
        if (name == "all")
            add(schedule::strategy_names());
        else if (name == "blockwise")
            add(schedule::blockwise_strategy_names());
        else if (name == "end-to-end")
            add(schedule::end_to_end_strategy_names());
        else {
            try {
                add(std::array{schedule::strategy_named(name)});
            } catch (const Error&) {
                throw Error(Code::BadRequest, "unknown strategy " + in_quotes(name), where,
                    "known are " + joined(schedule::strategy_names()) + ", and blockwise, end-to-end, all");
            }
        }
    }
    return names;
}

std::string strategy_to_run_from(const std::string& text, const std::string& where)
{
    const std::vector<std::string_view>& known = experiment::choices::strategy();
    if (std::find(known.begin(), known.end(), text) != known.end())
        return text;
    throw Error(Code::BadRequest,
        schedule::is_end_to_end(text) ? in_quotes(text) + " trains end to end: it can be planned, but not run"
                                      : "unknown strategy " + in_quotes(text),
        where, "known are " + joined(known));
}

std::vector<std::string> strategies_to_run_from(const std::string& text, const std::string& where)
{
    std::vector<std::string> strategies = strategies_from(text.empty() ? "blockwise" : text, where);
    for (const std::string& strategy : strategies)
        strategy_to_run_from(strategy, where);
    return strategies;
}

std::vector<std::int64_t> batch_sizes_from(const std::string& text, const std::string& where)
{
    constexpr std::size_t most = 32;
    std::vector<std::int64_t> sizes;
    if (text.empty())
        return sizes;
    std::istringstream parts(text + ",x"); // so that an empty last one is seen
    std::string part;
    while (std::getline(parts, part, ',') && !parts.eof()) {
        const auto size = whole(std::string(trimmed(part)), 1, static_cast<int>(experiment::largest_batch));
        if (!size)
            throw Error(Code::BadRequest, in_quotes(part) + " is not a batch size", where,
                "give numbers from 1 to " + std::to_string(experiment::largest_batch) + ", such as 8,16,128");
        if (std::find(sizes.begin(), sizes.end(), *size) == sizes.end())
            sizes.push_back(*size);
    }
    if (sizes.size() > most)
        throw Error(Code::BadRequest, std::to_string(sizes.size()) + " batch sizes are too many", where,
            "give at most " + std::to_string(most));
    return sizes;
}

std::string placement_from(const std::string& text, const std::string& where)
{
    return schedule::to_text(schedule::stages_from_text(text, where + " " + in_quotes(text)));
}

std::string strategy_by_hand(const experiment::Run& run)
{
    return run.strategy == "auto" ? std::string(schedule::strategy_by_hand) : run.strategy;
}

void refuse_placement(const experiment::Experiment& experiment)
{
    if (!experiment.run.stages.empty())
        throw Error(Code::BadRequest,
            "stages placed by hand cannot be used here: each strategy is compared with the stages that it chooses",
            "run.stages " + in_quotes(experiment.run.stages), "leave it out, or add --set run.stages=");
}

Error one_device_only(const std::string& file)
{
    return {Code::BadRequest, "this experiment trains on labels, on one device and without a strategy", file,
        "give an experiment that distils a student"};
}

int run_id_from(const std::string& text, const std::string& usage)
{
    if (text.empty())
        throw Error(Code::BadRequest, "no run given", usage, "give its number; pipebd runs list shows them");
    if (const auto id = whole(text, 1, 1'000'000'000))
        return *id;
    throw Error(Code::BadRequest, in_quotes(text) + " is not a run number", usage, "give its number; pipebd runs list shows them");
}

std::vector<int> run_ids_from(const std::vector<std::string>& texts, const std::string& usage)
{
    std::vector<int> ids;
    for (const std::string& text : texts)
        if (const int id = run_id_from(text, usage); std::find(ids.begin(), ids.end(), id) == ids.end())
            ids.push_back(id);
    if (ids.empty())
        run_id_from({}, usage);
    return ids;
}

std::vector<std::string> parts_of(const std::string& list)
{
    std::vector<std::string> parts;
    std::istringstream text(list);
    for (std::string part; std::getline(text, part, ',');)
        if (const std::string_view plain = trimmed(part); !plain.empty())
            parts.emplace_back(plain);
    return parts;
}

} // namespace pipebd::cli
