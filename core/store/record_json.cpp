#include "store/record_json.h"

#include "base/error.h"
#include "base/foreign_error.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace pipebd::store {
namespace {

using SortedJson = nlohmann::json;

std::string dump(const SortedJson& json)
{
    return json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
}

SortedJson identity_json(const ProcessIdentity& process)
{
    return {{"pid", process.pid}, {"start_time", process.start_time}, {"boot_id", process.boot_id}, {"host", process.host}};
}

template <typename Value>
void take(const SortedJson& json, const char* key, Value& value)
{
    if (const auto found = json.find(key); found != json.end())
        found->get_to(value);
}

double number(const SortedJson& json)
{
    return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

void take(const SortedJson& json, const char* key, double& value)
{
    if (const auto found = json.find(key); found != json.end())
        value = number(*found);
}

void take(const SortedJson& json, const char* key, std::vector<double>& values)
{
    if (const auto found = json.find(key); found != json.end()) {
        values.clear();
        for (const SortedJson& element : found->get_ref<const SortedJson::array_t&>())
            values.push_back(number(element));
    }
}

ProcessIdentity identity_of(const SortedJson& json)
{
    ProcessIdentity process;
    take(json, "pid", process.pid);
    take(json, "start_time", process.start_time);
    take(json, "boot_id", process.boot_id);
    take(json, "host", process.host);
    return process;
}

template <typename Read>
auto parsed(std::string_view text, std::string_view where, Read read)
{
    try {
        const SortedJson json = SortedJson::parse(text);
        return read(json.is_object() ? json : throw SortedJson::type_error::create(302, "it is not an object", nullptr));
    } catch (const SortedJson::exception& exception) {
        throw Error(Code::Damaged, "the stored data cannot be read (" + foreign_reason(exception.what()) + ")", std::string(where),
            "restore it from a copy, or delete it");
    }
}

} // namespace

std::string to_json(const ProcessIdentity& process)
{
    return dump(identity_json(process));
}

std::string to_json(const RunRecord& record)
{
    return dump({
        {"name", record.name},
        {"pair", record.pair},
        {"strategy", record.strategy},
        {"devices", record.devices},
        {"state", to_string(record.state)},
        {"created", record.created},
        {"started", record.started},
        {"finished", record.finished},
        {"steps", record.steps},
        {"steps_done", record.steps_done},
        {"stopping", record.stopping},
        {"throughput", record.throughput},
        {"first_loss", record.first_loss},
        {"final_loss", record.final_loss},
        {"accuracy", record.accuracy},
        {"error", record.error},
        {"culprit", record.culprit},
        {"last_lines", record.last_lines},
        {"predicted_step", record.predicted_step},
        {"measured_step", record.measured_step},
        {"resumed_from", record.resumed_from},
        {"resumed_checkpoint", record.resumed_checkpoint},
        {"stage", record.stage},
        {"weights_from", record.weights_from},
        {"supervisor", identity_json(record.supervisor)},
    });
}

ProcessIdentity identity_from_json(std::string_view text, std::string_view where)
{
    return parsed(text, where, [](const SortedJson& json) { return identity_of(json); });
}

RunRecord record_from_json(std::string_view text, std::string_view where)
{
    return parsed(text, where, [](const SortedJson& json) {
        RunRecord record;
        std::string state = "queued";
        take(json, "name", record.name);
        take(json, "pair", record.pair);
        take(json, "strategy", record.strategy);
        take(json, "devices", record.devices);
        take(json, "state", state);
        take(json, "created", record.created);
        take(json, "started", record.started);
        take(json, "finished", record.finished);
        take(json, "steps", record.steps);
        take(json, "steps_done", record.steps_done);
        take(json, "stopping", record.stopping);
        take(json, "throughput", record.throughput);
        take(json, "first_loss", record.first_loss);
        take(json, "final_loss", record.final_loss);
        take(json, "accuracy", record.accuracy);
        take(json, "error", record.error);
        take(json, "culprit", record.culprit);
        take(json, "last_lines", record.last_lines);
        take(json, "predicted_step", record.predicted_step);
        take(json, "measured_step", record.measured_step);
        take(json, "resumed_from", record.resumed_from);
        take(json, "resumed_checkpoint", record.resumed_checkpoint);
        take(json, "stage", record.stage);
        take(json, "weights_from", record.weights_from);
        if (const auto found = json.find("supervisor"); found != json.end())
            record.supervisor = identity_of(*found);
        record.state = run_state_from_string(state);
        return record;
    });
}

} // namespace pipebd::store
