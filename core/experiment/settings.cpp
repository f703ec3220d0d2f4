#include "experiment/settings.h"

#include "base/text.h"
#include "experiment/fields.h"
#include "schedule/stages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>

namespace pipebd::experiment {

namespace {

std::string_view section_of(std::string_view key)
{
    const std::size_t dot = key.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view last_part(std::string_view key)
{
    return key.substr(key.rfind('.') + 1);
}

std::string shown(double number)
{
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
    return {buffer, end};
}

/// Whether `text` is a number that TOML cannot hold, such as 1e400.
bool is_out_of_range(const std::string& text)
{
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return end == text.data() + text.size()
        && (error == std::errc::result_out_of_range
            || (error == std::errc() && std::isfinite(number) && std::abs(number) >= 0x1p63));
}

std::string kind(const Value& value)
{
    struct Name {
        std::string operator()(const std::string&) const { return "a string"; }
        std::string operator()(bool) const { return "a boolean"; }
        std::string operator()(std::int64_t) const { return "an integer"; }
        std::string operator()(std::uint64_t) const { return "an integer"; }
        std::string operator()(double) const { return "a floating-point number"; }
        std::string operator()(const Unsuitable& other) const { return other.kind; }
    };
    return std::visit(Name{}, value);
}

std::string description(const Text& rule)
{
    return "a string in quotes of at most " + std::to_string(rule.longest) + " bytes" + (rule.may_be_empty ? "" : ", not empty");
}

std::string description(const Whole& rule)
{
    return "an integer from " + std::to_string(rule.least) + " to " + std::to_string(rule.most);
}

std::string description(const Real& rule)
{
    const std::string least = (rule.above ? "number above " : "number of at least ") + shown(rule.least);
    return std::isfinite(rule.below) ? "a " + least + " and below " + shown(rule.below) : "a finite " + least;
}

std::string description(const OneOf& rule)
{
    return "one of " + joined(rule.names);
}
std::string description(Flag)
{
    return "true or false";
}
std::string description(DeviceList)
{
    return "\"auto\" or a list such as \"cpu,cpu\" or \"cuda:0,cuda:1\"";
}

std::string description(StageList)
{
    return "blocks on devices such as \"0-2 on 0,1 | 3-5 on 2\"";
}

// Puts the values that were given into an experiment, key by key, after checking them against their rules.
class Reader {
public:
    explicit Reader(const Settings& settings)
        : settings_(settings)
    {
    }

    template <typename Member, typename Rule>
    void operator()(std::string_view key, Member& member, const Rule& rule) const
    {
        if (const auto found = settings_.find(key); found != settings_.end())
            read({key, found->second}, member, rule);
    }

private:
    struct Item {
        std::string_view key;
        const Given& given;

        template <typename Rule>
        Error wrong_type(const Rule& rule) const
        {
            if (given.is_setting && is_out_of_range(given.raw))
                return {Code::BadRequest, std::string(key) + ": number out of range", given.place, "give " + description(rule)};
            return {Code::BadRequest, std::string(key) + " is " + kind(given.value), given.place, "give " + description(rule)};
        }

        template <typename Rule>
        Error impossible(const std::string& value, const Rule& rule) const
        {
            return {Code::BadRequest, std::string(key) + " cannot be " + value, given.place, "give " + description(rule)};
        }
    };

    template <typename Rule>
    static std::string text_of(const Item& item, const Rule& rule)
    {
        const auto* text = std::get_if<std::string>(&item.given.value);
        if (text == nullptr && !item.given.is_setting)
            throw item.wrong_type(rule);
        return text != nullptr ? *text : item.given.raw;
    }

    static void read(const Item& item, std::string& member, const Text& rule)
    {
        const std::string text = text_of(item, rule);
        if (text.size() > rule.longest || text.find('\0') != std::string::npos || !is_utf8(text)
            || (text.empty() && !rule.may_be_empty))
            throw item.impossible(in_quotes(text), rule);
        member = text;
    }

    static void read(const Item& item, std::string& member, const OneOf& rule)
    {
        const std::string text = text_of(item, rule);
        for (std::string_view name : rule.names)
            if (name == text) {
                member = text;
                return;
            }
        const std::string_view meant = nearest(text, rule.names);
        throw Error(Code::BadRequest, std::string(item.key) + ' ' + in_quotes(text) + " is not a possible value", item.given.place,
            (meant.empty() ? "" : "did you mean " + in_quotes(meant) + "? ") + "known are " + joined(rule.names));
    }

    static void read(const Item& item, std::string& member, const DeviceList& rule)
    {
        const std::string text = text_of(item, rule);
        member = text == "auto" ? text : to_string(parse_devices(text, item.given.place));
    }

    static void read(const Item& item, std::string& member, const StageList& rule)
    {
        const std::string text = text_of(item, rule);
        member = text.empty() ? text : schedule::to_text(schedule::stages_from_text(text, item.given.place));
    }

    static void read(const Item& item, bool& member, const Flag& rule)
    {
        if (!std::holds_alternative<bool>(item.given.value))
            throw item.wrong_type(rule);
        member = std::get<bool>(item.given.value);
    }

    static void read(const Item& item, double& member, const Real& rule)
    {
        double number = 0;
        if (const auto* whole = std::get_if<std::int64_t>(&item.given.value))
            number = static_cast<double>(*whole);
        else if (const auto* huge = std::get_if<std::uint64_t>(&item.given.value))
            number = static_cast<double>(*huge);
        else if (const auto* real = std::get_if<double>(&item.given.value))
            number = *real;
        else
            throw item.wrong_type(rule);
        if (!std::isfinite(number) || number < rule.least || (rule.above && number == rule.least) || number >= rule.below)
            throw item.impossible(shown(number), rule);
        member = number;
    }

    template <std::integral Number>
    static void read(const Item& item, Number& member, const Whole& rule)
    {
        if constexpr (std::same_as<Number, std::uint64_t>) {
            if (const auto* huge = std::get_if<std::uint64_t>(&item.given.value)) {
                member = *huge;
                return;
            }
        }
        if (const auto* huge = std::get_if<std::uint64_t>(&item.given.value))
            throw item.impossible(std::to_string(*huge), rule);
        const auto* number = std::get_if<std::int64_t>(&item.given.value);
        if (number == nullptr)
            throw item.wrong_type(rule);
        if (*number < rule.least || *number > rule.most)
            throw item.impossible(std::to_string(*number), rule);
        member = static_cast<Number>(*number);
    }

    template <typename Member, typename Rule>
    static void read(const Item& item, std::optional<Member>& member, const Rule& rule)
    {
        read(item, member.emplace(), rule);
    }

    const Settings& settings_;
};

struct SourceRule {
    std::string_view source;
    std::string_view path; // what data.path names; empty: there is none
    std::string_view augment; // beside "none"
};

constexpr std::array<SourceRule, 6> source_rules = {{
    {"digits", "", ""},
    {"synthetic", "", ""},
    {"cifar10", "the folder of the binary files", "crop-flip"},
    {"cifar100", "the folder of the binary files", "crop-flip"},
    {"imagefolder", "the folder with train/ and val/", "imagenet"},
    {"tensors", "a safetensors file", "crop-flip"},
}};
static_assert(source_rules.size() == choices::source.size());

void check_data(const Data& data, const Settings& settings)
{
    const auto place = [&](std::string_view key) { return settings.find(key)->second.place; };
    const SourceRule& rule = *std::ranges::find(source_rules, std::string_view(data.source), &SourceRule::source);
    if (rule.path.empty() && !data.path.empty())
        throw Error(
            Code::BadRequest, "data.path is not used by the source " + in_quotes(data.source), place("data.path"), "leave it out");
    if (!rule.path.empty() && data.path.empty())
        throw Error(Code::BadRequest, "data.path is missing for the source " + in_quotes(data.source), place("data.source"),
            "give it " + std::string(rule.path));
    if (data.augment != "none" && data.augment != rule.augment)
        throw Error(Code::BadRequest, "the source " + in_quotes(data.source) + " cannot be augmented by " + in_quotes(data.augment),
            place("data.augment"), "give \"none\"" + (rule.augment.empty() ? "" : " or \"" + std::string(rule.augment) + "\""));
}

void check_together(const Experiment& experiment, const Settings& settings)
{
    const auto place = [&](std::string_view key) { return settings.find(key)->second.place; };
    const Train& train = experiment.train;
    if (train.nesterov && train.momentum == 0 && settings.contains("train.nesterov"))
        throw Error(Code::BadRequest, "train.nesterov needs a momentum, which is 0", place("train.nesterov"),
            "give train.momentum a number above 0, or set train.nesterov to false");
    check_data(experiment.data, settings);
    if (experiment.architecture.train && experiment.data.held_out == 0)
        throw Error(Code::BadRequest, "architecture parameters are trained on held-out samples, but none are held out",
            place("architecture.train"), "set data.held_out to a share such as 0.2");
    if (experiment.architecture.train && !experiment.student.architecture.empty())
        throw Error(Code::BadRequest, "a derived student has no architecture to train", place("architecture.train"),
            "leave out student.architecture");
    if (!distils(experiment) && experiment.stage != Stages{})
        throw Error(Code::BadRequest, "only a distillation has stages", place("train.network"),
            "leave out [stage.teacher] and [stage.finetune], or set train.network to \"student\"");
    const std::string& strategy = experiment.run.strategy;
    if (!distils(experiment) && strategy != "auto" && strategy != "single")
        throw Error(Code::BadRequest,
            std::string(train.network == "teacher" ? "the teacher itself" : "a student on labels")
                + " cannot be trained with the strategy " + in_quotes(strategy),
            place("run.strategy"), "give auto or single, or set train.network to \"student\"");
    if (!experiment.run.stages.empty() && !distils(experiment))
        throw Error(Code::BadRequest, "training on labels has no stages to place on devices", place("run.stages"), "leave it out");
    if (!experiment.run.stages.empty() && strategy != "auto" && !schedule::may_be_placed(strategy))
        throw Error(Code::BadRequest, "the stages of " + strategy + " cannot be placed by hand", place("run.stages"),
            "leave it out, or choose one of " + joined(schedule::placeable_strategy_names()));
}

template <typename Part>
std::vector<std::string_view> parts_of_keys(Part part)
{
    std::vector<std::string_view> parts;
    const Experiment defaults;
    visit_fields(defaults, [&](std::string_view key, const auto&, const auto&) {
        const std::string_view name = part(key);
        if (!name.empty() && (parts.empty() || parts.back() != name))
            parts.push_back(name);
    });
    return parts;
}

} // namespace

const std::vector<std::string_view>& known_keys()
{
    static const std::vector<std::string_view> keys = parts_of_keys([](std::string_view key) { return key; });
    return keys;
}

const std::vector<std::string_view>& known_sections()
{
    static const std::vector<std::string_view> sections = parts_of_keys(section_of);
    return sections;
}

Error unknown_key(std::string_view key, std::string place)
{
    std::string_view meant = nearest(key, known_keys());
    std::vector<std::string_view> beside; // the keys of the same section
    for (std::string_view known : known_keys()) {
        if (section_of(known) == section_of(key))
            beside.push_back(last_part(known));
        if (last_part(known) == last_part(key) && last_part(meant) != last_part(key))
            meant = known;
    }
    if (meant == key) // a quoted key with a dot in it
        return {Code::BadRequest, "unknown key " + in_quotes(key) + " in quotes", std::move(place),
            "write " + std::string(key) + " without quotes"};
    std::string remedy = meant.empty() ? "" : "did you mean " + in_quotes(meant) + "? ";
    if (beside.empty())
        remedy += "known sections are " + joined(known_sections());
    else if (section_of(key).empty())
        remedy += "known are " + joined(beside) + " and the sections " + joined(known_sections());
    else
        remedy += "known in [" + std::string(section_of(key)) + "] are " + joined(beside);
    return {Code::BadRequest, "unknown key " + in_quotes(key), std::move(place), remedy};
}

Experiment make_experiment(const Settings& settings, std::string_view default_name, std::string_view where)
{
    Experiment experiment;
    experiment.name = default_name;
    visit_fields(experiment, Reader(settings));
    if (experiment.pair.empty())
        throw Error(
            Code::BadRequest, "pair is missing", std::string(where), "name the pair of networks, such as pair = \"nas-digits\"");
    check_together(experiment, settings);
    if (experiment.train.momentum == 0)
        experiment.train.nesterov = false; // it was not asked for
    return experiment;
}

} // namespace pipebd::experiment
