#include "schedule/profile.h"

#include "base/error.h"
#include "schedule/profile_document.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <unordered_map>

namespace pipebd::schedule {

namespace {

using SortedJson = nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr std::string_view format = "pipebd.profile/1";

constexpr std::int64_t largest_bytes = std::int64_t{1} << 53; // as largest_time

// A JSON value that knows its path, so that every complaint names the place.
class ProfileValue {
public:
    ProfileValue(const SortedJson& json, ProfileDocument& document, std::string_view file, std::string path)
        : json_(json)
        , document_(document)
        , file_(file)
        , path_(std::move(path))
    {
    }

    [[noreturn]] void refuse(
        const std::string& what, const std::string& remedy = "write it as docs/formats/profile.md describes") const
    {
        throw Error(Code::BadRequest, what, std::string(file_) + (path_.empty() ? "" : ": " + path_), remedy);
    }

    ProfileValue at(const std::string& key) const
    {
        require_object();
        const auto found = json_.find(key);
        if (found == json_.end())
            refuse("\"" + key + "\" is missing", "add it as docs/formats/profile.md describes");
        return {*found, document_, file_, path_.empty() ? key : path_ + '.' + key};
    }

    bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

    std::vector<ProfileValue> elements() const
    {
        if (!json_.is_array())
            refuse(std::string("expected a list, found ") + kind());
        std::vector<ProfileValue> values;
        for (std::size_t i = 0; i < json_.size(); ++i)
            values.push_back({json_[i], document_, file_, path_ + '[' + std::to_string(i) + ']'});
        return values;
    }

    std::string text() const
    {
        if (!json_.is_string())
            refuse(std::string("expected a string, found ") + kind());
        return json_.get<std::string>();
    }

    double number() const
    {
        if (!json_.is_number())
            refuse(std::string("expected a number, found ") + kind());
        const double value = json_.get<double>();
        if (!std::isfinite(value) || value < 0 || value > largest_time)
            refuse("expected a number from 0 to 1e12, found " + json_.dump());
        return value;
    }

    std::int64_t whole(std::int64_t least, std::int64_t most) const
    {
        if (!json_.is_number())
            refuse(std::string("expected a number, found ") + kind());
        const double value = json_.get<double>();
        if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)) || value != std::floor(value))
            refuse("expected an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", found " + json_.dump());
        return static_cast<std::int64_t>(value);
    }

    /// {"256": 3.1, ...}; can be had once.
    std::map<int, double> times() const
    {
        if (ProfileDocument::is_table(json_))
            return document_.take(json_);
        require_object();
        std::map<int, double> result;
        for (const auto& [key, value] : json_.items()) {
            const ProfileValue entry(value, document_, file_, path_ + "[\"" + key + "\"]");
            const bool digits = !key.empty() && key.size() <= 10 && key[0] != '0'
                && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
            if (!digits || std::stoll(key) > largest_batch)
                entry.refuse("the key is not a number of samples or devices", "write it like \"256\"");
            result[std::stoi(key)] = entry.number();
        }
        return result;
    }

    std::map<int, double> times_of_samples() const
    {
        std::map<int, double> result = times();
        if (result.empty())
            refuse("no batch size has a time", "give at least the time for the whole batch, like {\"256\": 3.1}");
        return result;
    }

    std::map<std::string, TimeBySamples> spread() const
    {
        std::map<std::string, TimeBySamples> result;
        if (!has("spread"))
            return result;
        const ProfileValue spread = at("spread");
        spread.require_object();
        for (const auto& [key, value] : spread.json_.items())
            result[key] = ProfileValue(value, document_, file_, spread.path_ + '.' + key).times();
        return result;
    }

    /// {"load": [86, 43], ...}
    std::map<std::string, std::set<int>> interpolated() const
    {
        std::map<std::string, std::set<int>> result;
        if (!has("interpolated"))
            return result;
        const ProfileValue sizes = at("interpolated");
        sizes.require_object();
        for (const auto& [key, value] : sizes.json_.items())
            for (const ProfileValue& size : ProfileValue(value, document_, file_, sizes.path_ + '.' + key).elements())
                result[key].insert(static_cast<int>(size.whole(1, largest_batch)));
        return result;
    }

private:
    void require_object() const
    {
        if (!json_.is_object())
            refuse(std::string("expected an object, found ") + kind());
    }

    std::string kind() const
    {
        switch (json_.type()) {
        case SortedJson::value_t::null:
            return "null";
        case SortedJson::value_t::object:
        case SortedJson::value_t::binary: // a table
            return "an object";
        case SortedJson::value_t::array:
            return "a list";
        case SortedJson::value_t::string:
            return "a string";
        case SortedJson::value_t::boolean:
            return "true or false";
        default:
            return "a number";
        }
    }

    const SortedJson& json_;
    ProfileDocument& document_;
    std::string_view file_;
    std::string path_;
};

BlockProfile read_block(const ProfileValue& json)
{
    BlockProfile block;
    block.name = json.at("name").text();
    block.teacher_forward = json.at("teacher_forward").times_of_samples();
    block.student_forward = json.at("student_forward").times_of_samples();
    block.student_backward = json.at("student_backward").times_of_samples();
    block.update = json.at("update").number();
    block.teacher_update = json.has("teacher_update") ? json.at("teacher_update").number() : block.update;
    block.all_reduce = json.at("all_reduce").times();
    block.output_bytes = json.at("output_bytes").whole(0, largest_bytes);
    block.activation_bytes = json.at("activation_bytes").whole(0, largest_bytes);
    block.teacher_bytes = json.at("teacher_bytes").whole(0, largest_bytes);
    block.student_bytes = json.at("student_bytes").whole(0, largest_bytes);
    block.gradient_bytes = json.at("gradient_bytes").whole(0, largest_bytes);
    block.optimizer_bytes = json.at("optimizer_bytes").whole(0, largest_bytes);
    block.spread = json.spread();
    block.interpolated = json.interpolated();
    return block;
}

Json times_to_json(const std::map<int, double>& times)
{
    Json json = Json::object();
    for (auto entry = times.rbegin(); entry != times.rend(); ++entry)
        json[std::to_string(entry->first)] = entry->second;
    return json;
}

Json sizes_to_json(const std::map<std::string, std::set<int>>& sizes)
{
    Json json = Json::object();
    for (const auto& [name, values] : sizes)
        json[name] = Json(std::vector<int>(values.rbegin(), values.rend()));
    return json;
}

Json block_to_json(const BlockProfile& block)
{
    Json json;
    json["name"] = block.name;
    json["teacher_forward"] = times_to_json(block.teacher_forward);
    json["student_forward"] = times_to_json(block.student_forward);
    json["student_backward"] = times_to_json(block.student_backward);
    json["update"] = block.update;
    if (block.teacher_update != block.update)
        json["teacher_update"] = block.teacher_update;
    json["all_reduce"] = times_to_json(block.all_reduce);
    json["output_bytes"] = block.output_bytes;
    json["activation_bytes"] = block.activation_bytes;
    json["teacher_bytes"] = block.teacher_bytes;
    json["student_bytes"] = block.student_bytes;
    json["gradient_bytes"] = block.gradient_bytes;
    json["optimizer_bytes"] = block.optimizer_bytes;
    if (!block.spread.empty()) {
        Json spread = Json::object();
        for (const auto& [name, values] : block.spread)
            spread[name] = times_to_json(values);
        json["spread"] = std::move(spread);
    }
    if (!block.interpolated.empty())
        json["interpolated"] = sizes_to_json(block.interpolated);
    return json;
}

} // namespace

Profile profile_from_json(std::string_view json, std::string_view where)
{
    ProfileDocument document(json, where);
    const ProfileValue root(document.json(), document, where, "");

    const ProfileValue written = root.at("format");
    if (written.text() != format)
        written.refuse("the format is \"" + written.text() + "\"", "a profile has the format \"" + std::string(format) + '"');

    Profile profile;
    profile.pair = root.at("pair").text();
    profile.device = root.at("device").text();
    profile.dtype = root.at("dtype").text();
    profile.batch = static_cast<int>(root.at("batch").whole(1, largest_batch));
    profile.load = root.at("load").times_of_samples();
    const ProfileValue link = root.at("link");
    profile.link.latency = link.at("latency").number();
    profile.link.bytes_per_ms = link.at("bytes_per_ms").number();

    const std::map<std::string, std::set<int>> interpolated = root.interpolated();
    if (const auto loads = interpolated.find("load"); loads != interpolated.end())
        profile.interpolated_loads = loads->second;
    if (root.has("samples"))
        profile.samples = root.at("samples").whole(1, largest_bytes);

    const ProfileValue blocks = root.at("blocks");
    std::unordered_map<std::string, std::size_t> names;
    for (const ProfileValue& element : blocks.elements()) {
        profile.blocks.push_back(read_block(element));
        const std::string& name = profile.blocks.back().name;
        const auto [first, is_new] = names.emplace(name, names.size());
        if (!is_new)
            element.at("name").refuse("block " + std::to_string(first->second) + " already has the name \"" + name + "\"",
                "give every block a unique name");
    }
    if (profile.blocks.empty())
        blocks.refuse("there are no blocks", "a profile has one entry per block, in order");
    return profile;
}

std::string to_json(const Profile& profile)
{
    Json json;
    json["format"] = format;
    json["pair"] = profile.pair;
    json["device"] = profile.device;
    json["dtype"] = profile.dtype;
    json["batch"] = profile.batch;
    if (profile.samples > 0)
        json["samples"] = profile.samples;
    json["load"] = times_to_json(profile.load);
    if (!profile.interpolated_loads.empty())
        json["interpolated"] = sizes_to_json({{"load", profile.interpolated_loads}});
    json["blocks"] = Json::array();
    for (const BlockProfile& block : profile.blocks)
        json["blocks"].push_back(block_to_json(block));
    json["link"] = Json{{"latency", profile.link.latency}, {"bytes_per_ms", profile.link.bytes_per_ms}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace pipebd::schedule
