#include "schedule/profile.h"

#include "base/error.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace pipebd::schedule {

namespace {

using SortedJson = nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr std::string_view format = "pipebd.profile/1";

// Far beyond anything that can be measured; sums and products of what is below stay finite and within 64 bits.
constexpr double largest_time = 1e12;
constexpr std::int64_t largest_bytes = std::int64_t{1} << 53;
constexpr int most_samples = 1 << 30;

// A JSON value that knows its path, so that every complaint names the place.
class ProfileValue {
public:
    ProfileValue(const SortedJson& json, std::string_view file, std::string path)
        : json_(json)
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
        return {*found, file_, path_.empty() ? key : path_ + '.' + key};
    }

    bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

    std::vector<ProfileValue> elements() const
    {
        if (!json_.is_array())
            refuse(std::string("a list is needed, this is ") + kind());
        std::vector<ProfileValue> values;
        for (std::size_t i = 0; i < json_.size(); ++i)
            values.push_back({json_[i], file_, path_ + '[' + std::to_string(i) + ']'});
        return values;
    }

    std::string text() const
    {
        if (!json_.is_string())
            refuse(std::string("a text is needed, this is ") + kind());
        return json_.get<std::string>();
    }

    double number() const
    {
        if (!json_.is_number())
            refuse(std::string("a number is needed, this is ") + kind());
        const double value = json_.get<double>();
        if (!std::isfinite(value) || value < 0 || value > largest_time)
            refuse("a number from 0 to 1e12 is needed, this is " + json_.dump());
        return value;
    }

    std::int64_t whole(std::int64_t least, std::int64_t most) const
    {
        if (!json_.is_number())
            refuse(std::string("a number is needed, this is ") + kind());
        const double value = json_.get<double>();
        if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)) || value != std::floor(value))
            refuse("a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is needed, this is "
                + json_.dump());
        return static_cast<std::int64_t>(value);
    }

    /// {"256": 3.1, ...}
    std::map<int, double> times() const
    {
        require_object();
        std::map<int, double> result;
        for (const auto& [key, value] : json_.items()) {
            const ProfileValue entry(value, file_, path_ + "[\"" + key + "\"]");
            const bool digits = !key.empty() && key.size() <= 10 && key[0] != '0'
                && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
            if (!digits || std::stoll(key) > most_samples)
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
            result[key] = ProfileValue(value, file_, spread.path_ + '.' + key).times();
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
            for (const ProfileValue& size : ProfileValue(value, file_, sizes.path_ + '.' + key).elements())
                result[key].insert(static_cast<int>(size.whole(1, most_samples)));
        return result;
    }

private:
    void require_object() const
    {
        if (!json_.is_object())
            refuse(std::string("an object is needed, this is ") + kind());
    }

    std::string kind() const
    {
        switch (json_.type()) {
        case SortedJson::value_t::null:
            return "null";
        case SortedJson::value_t::object:
            return "an object";
        case SortedJson::value_t::array:
            return "a list";
        case SortedJson::value_t::string:
            return "a text";
        case SortedJson::value_t::boolean:
            return "true or false";
        default:
            return "a number";
        }
    }

    const SortedJson& json_;
    std::string_view file_;
    std::string path_;
};

/// Refuses an object that has a key twice, of which the parser would keep one.
class TwiceTheSameKey {
public:
    explicit TwiceTheSameKey(std::string_view where)
        : where_(where)
    {
    }

    bool operator()(int, SortedJson::parse_event_t event, SortedJson& parsed)
    {
        if (event == SortedJson::parse_event_t::object_start)
            keys_.emplace_back();
        else if (event == SortedJson::parse_event_t::object_end)
            keys_.pop_back();
        else if (event == SortedJson::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second)
            throw Error(Code::BadRequest, "the key " + in_quotes(parsed.get<std::string>()) + " stands twice in one object",
                std::string(where_), "leave one of them out");
        return true;
    }

private:
    std::string_view where_;
    std::vector<std::unordered_set<std::string>> keys_; // of the objects that are open
};

SortedJson parse(std::string_view text, std::string_view where)
{
    try {
        return SortedJson::parse(text, TwiceTheSameKey(where));
    } catch (const SortedJson::parse_error& error) {
        const std::size_t end = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
        const std::string_view before = text.substr(0, end);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t start = before.rfind('\n');
        const std::size_t column = end - (start == std::string_view::npos ? 0 : start + 1) + 1;
        throw Error(Code::Damaged, end == text.size() ? "the JSON is cut off" : "this is not JSON",
            std::string(where) + ':' + std::to_string(line) + ':' + std::to_string(column), "write the profile again");
    } catch (const SortedJson::exception&) {
        throw Error(Code::Damaged, "a number is too large for any computer", std::string(where), "write the profile again");
    }
}

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
    const SortedJson document = parse(json, where);
    const ProfileValue root(document, where, "");

    const ProfileValue written = root.at("format");
    if (written.text() != format)
        written.refuse("the format is \"" + written.text() + "\"", "a profile has the format \"" + std::string(format) + '"');

    Profile profile;
    profile.pair = root.at("pair").text();
    profile.device = root.at("device").text();
    profile.dtype = root.at("dtype").text();
    profile.batch = static_cast<int>(root.at("batch").whole(1, most_samples));
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
            element.at("name").refuse("block " + std::to_string(first->second) + " has the name \"" + name + "\" already",
                "give every block a name of its own");
    }
    if (profile.blocks.empty())
        blocks.refuse("there is no block", "a profile has one entry for each block, in order");
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
