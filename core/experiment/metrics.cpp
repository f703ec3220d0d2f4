#include "experiment/metrics.h"

#include "base/error.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <utility>

namespace pipebd::experiment {

namespace {

using Json = nlohmann::ordered_json;
using Type = Metric::Type;

constexpr int version = 1;

struct TypeRow {
    Type type;
    std::string_view name;
    std::string_view keys; // always written; others only where they differ from their default
};

constexpr std::array<TypeRow, 18> types = {{
    {Type::Hello, "hello", " name bytes text "},
    {Type::Met, "met", " "},
    {Type::Doing, "doing", " step name "},
    {Type::Heartbeat, "heartbeat", " step phase name "},
    {Type::Step, "step", " step phase samples ms "},
    {Type::Loss, "loss", " step phase block value "},
    {Type::Memory, "memory", " step phase bytes peak_bytes "},
    {Type::Span, "span", " step phase index start end "},
    {Type::Spans, "spans", " step phase spans "},
    {Type::Eval, "eval", " step name value "},
    {Type::Checkpoint, "checkpoint", " step name "},
    {Type::Log, "log", " text "},
    {Type::Error, "error", " code what where remedy "},
    {Type::Bye, "bye", " "},
    {Type::Profile, "profile", " text "},
    {Type::Progress, "progress", " value text "},
    {Type::Pair, "pair", " text "},
    {Type::Unknown, "unknown", " "},
}};

const TypeRow& row_of(Type type)
{
    for (const TypeRow& row : types)
        if (row.type == type)
            return row;
    return types.back();
}

bool always_written(const TypeRow& row, std::string_view key)
{
    return row.keys.find(' ' + std::string(key) + ' ') != std::string_view::npos;
}

// Calls visit(key, member) for every member that stands in a line beside v, type, t and rank.
template <typename M, typename Visitor>
void visit_members(M& metric, Visitor&& visit)
{
    visit("step", metric.step);
    visit("phase", metric.phase);
    visit("block", metric.block);
    visit("index", metric.index);
    visit("samples", metric.samples);
    visit("ms", metric.ms);
    visit("start", metric.start);
    visit("end", metric.end);
    visit("value", metric.value);
    visit("bytes", metric.bytes);
    visit("peak_bytes", metric.peak_bytes);
    visit("device_bytes", metric.device_bytes);
    visit("utilisation", metric.utilisation);
    visit("watts", metric.watts);
    visit("name", metric.name);
    visit("text", metric.text);
    visit("waiting", metric.waiting);
    visit("code", metric.code);
    visit("what", metric.what);
    visit("where", metric.where);
    visit("remedy", metric.remedy);
    visit("spans", metric.spans);
    visit("part", metric.part);
    visit("parts", metric.parts);
}

/// -1 is the default of what may be 0.
double default_of(std::string_view key)
{
    return key == "block" || key == "device_bytes" || key == "utilisation" || key == "watts" ? -1 : 0;
}

bool is_default(std::string_view key, double value)
{
    return value == default_of(key) && (value != 0 || !std::signbit(value));
}
bool is_default(std::string_view, const std::string& text)
{
    return text.empty();
}

bool is_default(std::string_view, const std::vector<Metric::Interval>& spans)
{
    return spans.empty();
}

template <std::integral Number>
bool is_default(std::string_view key, Number number)
{
    return number == static_cast<Number>(default_of(key));
}

// JSON has neither NaN nor infinity.
Json json_of(double value)
{
    if (std::isnan(value))
        return nullptr;
    if (std::isinf(value))
        return value > 0 ? "inf" : "-inf";
    return value;
}

Json json_of(const std::vector<Metric::Interval>& spans)
{
    Json json = Json::array();
    for (const Metric::Interval& span : spans)
        json.push_back(Json::array({span.index, json_of(span.start), json_of(span.end)}));
    return json;
}

template <typename Member>
Json json_of(const Member& member)
{
    return member;
}

class LineReader {
public:
    explicit LineReader(std::string_view line)
        : line_(line)
    {
        try {
            json_ = Json::parse(line);
        } catch (const nlohmann::json::exception&) {
            refuse("this line is not JSON");
        }
        if (!json_.is_object())
            refuse("this line is not a JSON object");
    }

    [[noreturn]] void refuse(const std::string& what, Code code = Code::Protocol) const
    {
        throw Error(code, "not a metric: " + what, in_quotes(line_, 100));
    }

    void require(const std::string& key) const
    {
        if (!json_.contains(key))
            refuse(key + " is missing");
    }

    template <typename Member>
    void read(const std::string& key, Member& member) const
    {
        if (const auto found = json_.find(key); found != json_.end() && !convert(*found, member))
            refuse(key + " has the wrong type or value");
    }

private:
    static bool convert(const Json& json, std::string& text)
    {
        if (!json.is_string())
            return false;
        text = json.get_ref<const std::string&>();
        return true;
    }

    static bool convert(const Json& json, double& value)
    {
        if (json.is_null())
            value = std::numeric_limits<double>::quiet_NaN();
        else if (json.is_number())
            value = json.get<double>();
        else if (json == "inf" || json == "-inf")
            value = std::numeric_limits<double>::infinity() * (json == "inf" ? 1 : -1);
        else
            return false;
        return true;
    }

    template <std::integral Number>
    static bool convert(const Json& json, Number& number)
    {
        if (!json.is_number_integer() || (json.is_number_unsigned() && !std::in_range<Number>(json.get<std::uint64_t>()))
            || (!json.is_number_unsigned() && !std::in_range<Number>(json.get<std::int64_t>())))
            return false;
        number = json.get<Number>();
        return true;
    }

    static bool convert(const Json& json, std::vector<Metric::Interval>& spans)
    {
        if (!json.is_array())
            return false;
        for (const Json& one : json) {
            Metric::Interval& span = spans.emplace_back();
            if (!one.is_array() || one.size() != 3 || !convert(one[0], span.index) || !convert(one[1], span.start)
                || !convert(one[2], span.end))
                return false;
        }
        return true;
    }

    std::string_view line_;
    Json json_;
};

} // namespace

std::string to_line(const Metric& metric)
{
    const TypeRow& row = row_of(metric.type);
    Json json = {{"v", version}, {"type", row.name}, {"t", json_of(metric.t)}, {"rank", metric.rank}};
    visit_members(metric, [&](const char* key, const auto& member) {
        if (!is_default(key, member) || always_written(row, key))
            json[key] = json_of(member);
    });
    // Text of other programs may hold anything; what is not UTF-8 becomes U+FFFD.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Metric metric_from_line(std::string_view line)
{
    const LineReader reader(line);
    for (const char* key : {"v", "type", "t", "rank"})
        reader.require(key);

    std::int64_t line_version = 0;
    reader.read("v", line_version);
    if (line_version != version)
        reader.refuse("its version is " + std::to_string(line_version) + " instead of " + std::to_string(version),
            line_version > version ? Code::Newer : Code::Protocol);

    Metric metric;
    std::string type;
    reader.read("type", type);
    for (const TypeRow& row : types)
        if (row.name == type)
            metric.type = row.type;
    reader.read("t", metric.t);
    if (!std::isfinite(metric.t))
        reader.refuse("t is not finite");
    reader.read("rank", metric.rank);
    if (metric.rank < 0)
        reader.refuse("rank is negative");
    if (metric.type != Type::Unknown) // keys of later versions' types may mean something else
        visit_members(metric, [&](const char* key, auto& member) { reader.read(key, member); });
    return metric;
}

} // namespace pipebd::experiment
