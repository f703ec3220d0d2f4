#include "experiment/experiment_json.h"

#include "base/error.h"
#include "experiment/fields.h"
#include "experiment/settings.h"

namespace pipebd::experiment {

namespace {

nlohmann::json::json_pointer pointer(std::string_view key)
{
    std::string path = "/" + std::string(key);
    for (char& c : path)
        c = c == '.' ? '/' : c;
    return nlohmann::json::json_pointer(path);
}

Value value_of(const nlohmann::json& json)
{
    using Type = nlohmann::json::value_t;
    switch (json.type()) {
    case Type::string:
        return json.get<std::string>();
    case Type::boolean:
        return json.get<bool>();
    case Type::number_integer:
        return json.get<std::int64_t>();
    case Type::number_unsigned: {
        const auto number = json.get<std::uint64_t>();
        if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return static_cast<std::int64_t>(number);
        return number;
    }
    case Type::number_float:
        return json.get<double>();
    case Type::array:
        return Unsuitable{"a list"};
    default:
        return Unsuitable{"an object"};
    }
}

} // namespace

nlohmann::ordered_json json_of(const Experiment& experiment)
{
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    visit_fields(experiment, [&]<typename Member>(std::string_view key, const Member& member, const auto&) {
        nlohmann::ordered_json& place = json[pointer(key)];
        if constexpr (requires { member.has_value(); }) {
            if (member)
                place = *member;
        } else {
            place = member;
        }
    });
    return json;
}

namespace {

Settings settings_of(const nlohmann::json& json, std::string_view where)
{
    if (!json.is_object())
        throw Error(Code::BadRequest, "an experiment must be a JSON object", std::string(where));
    for (std::string_view section : known_sections())
        if (const auto path = pointer(section); json.contains(path) && !json[path].is_object())
            throw Error(Code::BadRequest, "this section is not a JSON object", std::string(where) + ": " + std::string(section));

    Settings settings;
    for (std::string_view key : known_keys()) {
        const auto path = pointer(key);
        if (json.contains(path) && !json[path].is_null())
            settings[std::string(key)]
                = {.value = value_of(json[path]), .place = std::string(where) + ": " + std::string(key), .raw = {}};
    }
    return settings;
}

} // namespace

Experiment experiment_of(const nlohmann::json& json, std::string_view where)
{
    return make_experiment(settings_of(json, where), {}, where);
}

nlohmann::json parse_json(std::string_view text, std::string_view where)
{
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
        throw Error(Code::Damaged, "this is not JSON", std::string(where) + ", byte " + std::to_string(error.byte));
    } catch (const nlohmann::json::out_of_range&) {
        throw Error(Code::Damaged, "a number in this JSON is too large", std::string(where));
    }
}

std::string to_json(const Experiment& experiment)
{
    try {
        return json_of(experiment).dump(2);
    } catch (const nlohmann::json::exception&) {
        throw Error(Code::BadRequest, "a name or path is not UTF-8", experiment.name, "rename it");
    }
}

Experiment experiment_from_json(std::string_view json, std::string_view where)
{
    return experiment_of(parse_json(json, where), where);
}

Experiment changed(const Experiment& experiment, std::span<const std::string> settings)
{
    Settings all = settings_of(json_of(experiment), experiment.name);
    if (experiment.train.steps)
        all.erase("train.epochs");
    if (experiment.run.checkpoint_steps)
        all.erase("run.checkpoint_minutes");
    lay_over(all, settings);
    return make_experiment(all, experiment.name, experiment.name);
}

std::vector<std::string> differing_keys(const Experiment& a, const Experiment& b)
{
    const nlohmann::json left = json_of(a);
    const nlohmann::json right = json_of(b);
    std::vector<std::string> keys;
    for (std::string_view key : known_keys())
        if (left[pointer(key)] != right[pointer(key)])
            keys.emplace_back(key);
    return keys;
}

} // namespace pipebd::experiment
