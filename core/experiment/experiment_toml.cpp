#include "base/text.h"
#include "experiment/settings.h"
#include "experiment/toml_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace pipebd::experiment {

namespace {

constexpr std::string_view stages = "stage."; // what the sections of stages begin with

template <typename Names>
bool contains(const Names& names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

Value value_of(const toml::node& node)
{
    switch (node.type()) {
    case toml::node_type::string:
        return node.as_string()->get();
    case toml::node_type::boolean:
        return node.as_boolean()->get();
    case toml::node_type::integer:
        return node.as_integer()->get();
    case toml::node_type::floating_point:
        return node.as_floating_point()->get();
    case toml::node_type::array:
        return Unsuitable{"a list"};
    case toml::node_type::table:
        return Unsuitable{"a table"};
    default:
        return Unsuitable{"a date or time"};
    }
}

Error is_section(std::string_view key, std::string place)
{
    const std::string_view example = stages.starts_with(key) ? "stage.finetune" : key;
    return {Code::BadRequest, in_quotes(key) + " is a section, not a value", std::move(place),
        "write [" + std::string(example) + "] and its keys on lines of their own"};
}

// The leaves of a table with their lines, refusing keys that are not known.
class Flattener {
public:
    explicit Flattener(std::string_view where)
        : where_(where)
    {
    }

    Settings take() { return std::move(settings_); }

    void add(const toml::table& table, const std::string& section)
    {
        struct Entry {
            std::string_view key;
            const toml::node* node;
            toml::source_position position;
        };
        std::vector<Entry> entries; // by line, so that the first fault of the file is the one reported
        for (const auto& [key, node] : table)
            entries.push_back({key.str(), &node, key.source().begin});
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.position < b.position; });

        for (const Entry& entry : entries) {
            const std::string key = section.empty() ? std::string(entry.key) : section + '.' + std::string(entry.key);
            const int line = static_cast<int>(entry.position.line);
            const std::string place = where_ + ':' + std::to_string(line);
            const bool plain = entry.key.find('.') == std::string_view::npos; // a quoted key may hold a dot
            const bool is_stage = key.starts_with(stages);
            if (plain && (contains(known_sections(), key) || key == stages.substr(0, stages.size() - 1))) {
                if (!entry.node->is_table())
                    throw is_section(key, place);
                if (is_stage && entry.node->as_table()->empty())
                    throw Error(Code::BadRequest, "the stage [" + key + "] is empty", place, "add a key, such as epochs = 4");
                add(*entry.node->as_table(), key);
            } else if (plain && contains(known_keys(), key)) {
                settings_[key] = {.value = value_of(*entry.node), .place = place, .raw = {}, .order = line};
            } else if (entry.node->is_table() && (section.empty() || !contains(known_sections(), section))) {
                throw Error(Code::BadRequest, "unknown section " + in_quotes(key), place, "known are " + joined(known_sections()));
            } else {
                throw unknown_key(key, place);
            }
        }
    }

private:
    std::string where_;
    Settings settings_;
};

Settings parse(std::string_view text, std::string_view where)
{
    Flattener flattener(where);
    flattener.add(parse_toml(text, where), {});
    return flattener.take();
}

// A right side that is not one TOML value is a text without quotes: train.optimizer=adam.
Value value_of(const std::string& right_side)
{
    try {
        const toml::table table = toml::parse("value = " + right_side);
        if (table.size() == 1)
            return value_of(*table.get("value"));
    } catch (const toml::parse_error&) {
    }
    return right_side;
}

void lay_over(Settings& settings, std::string_view setting, int order)
{
    std::string place = "--set " + (setting.empty() ? "''" : printable(setting, 120));
    const std::size_t equals = setting.find('=');
    const std::string key(trimmed(setting.substr(0, equals)));
    if (key.empty())
        throw Error(Code::BadRequest, "the setting names no key", place, "write KEY=VALUE, such as train.steps=20");
    if (contains(known_sections(), key))
        throw Error(
            Code::BadRequest, in_quotes(key) + " is a section, not a key", place, "name one of its keys: " + key + ".KEY=VALUE");
    if (!contains(known_keys(), key))
        throw unknown_key(key, place);
    if (equals == std::string_view::npos)
        throw Error(Code::BadRequest, "the setting has no value", place, "write " + key + "=VALUE");
    const std::string right_side(trimmed(setting.substr(equals + 1)));
    settings[key]
        = {.value = value_of(right_side), .place = std::move(place), .raw = right_side, .order = order, .is_setting = true};
}

void keep_one(Settings& settings, std::string_view first, std::string_view second)
{
    const auto a = settings.find(first);
    const auto b = settings.find(second);
    if (a == settings.end() || b == settings.end())
        return;
    if (a->second.is_setting == b->second.is_setting)
        throw Error(Code::BadRequest, std::string(first) + " and " + std::string(second) + " exclude each other",
            (a->second.order > b->second.order ? a : b)->second.place, "leave one of them out");
    settings.erase(a->second.is_setting ? b : a);
}

} // namespace

Settings settings_from_toml(std::string_view toml, std::string_view where, std::span<const std::string> overrides)
{
    Settings settings = parse(toml, where);
    lay_over(settings, overrides);
    return settings;
}

void lay_over(Settings& settings, std::span<const std::string> overrides)
{
    int order = 0;
    for (const std::string& setting : overrides)
        lay_over(settings, setting, ++order);
    keep_one(settings, "train.epochs", "train.steps");
    keep_one(settings, "stage.teacher.epochs", "stage.teacher.steps");
    keep_one(settings, "stage.finetune.epochs", "stage.finetune.steps");
    keep_one(settings, "run.checkpoint_minutes", "run.checkpoint_steps");
}

} // namespace pipebd::experiment
