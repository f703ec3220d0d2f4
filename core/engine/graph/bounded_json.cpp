#include "engine/graph/bounded_json.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pipebd::engine {

namespace {

using nlohmann::json;

constexpr std::size_t most_bytes = std::size_t{256} << 20;
constexpr std::size_t most_tokens = 20'000'000; // structural characters
constexpr int deepest = 64;

Error damaged(const std::string& problem, const std::string& where)
{
    return {Code::Damaged, problem, where, "copy or export the file again"};
}

// Depth and number of values are known before anything is built of them.
void check_structure(std::string_view text, const std::string& where)
{
    if (text.size() > most_bytes)
        throw damaged("the JSON is too long", where);
    bool in_string = false;
    int depth = 0;
    std::size_t tokens = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
            continue;
        }
        in_string = c == '"';
        const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        depth += opens ? 1 : closes ? -1 : 0;
        tokens += opens || closes || c == ',' || c == ':' ? 1 : 0;
        if (depth > deepest)
            throw damaged("the JSON is nested too deeply", where);
        if (tokens > most_tokens)
            throw damaged("the JSON has too many values", where);
    }
}

} // namespace

json parse_bounded(
    std::span<const std::byte> bytes, const std::string& where, const std::function<bool(std::string_view)>& left_out)
{
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    check_structure(text, where);
    try {
        return json::parse(text, [&](int, json::parse_event_t event, json& parsed) {
            return event != json::parse_event_t::key || !left_out || !left_out(parsed.get_ref<const std::string&>());
        });
    } catch (const json::parse_error& error) {
        throw damaged("this is not JSON at byte " + std::to_string(error.byte), where);
    } catch (const json::exception&) {
        throw damaged("the JSON has a number that is too large", where);
    }
}

void JsonPlace::refuse(const std::string& problem) const
{
    throw damaged(problem, where_);
}

JsonPlace JsonPlace::at(const char* key) const
{
    const auto& members = object();
    const auto found = members.find(key);
    if (found == members.end())
        refuse(std::string(key) + " is missing");
    return {found->second, where_ + ", " + key};
}

bool JsonPlace::has(const char* key) const
{
    const auto& members = object();
    const auto found = members.find(key);
    return found != members.end() && !found->second.is_null();
}

std::string JsonPlace::text(std::size_t limit) const
{
    const auto* text = value_->get_ptr<const json::string_t*>();
    if (!text)
        refuse("this is not a string");
    if (text->size() > limit)
        refuse("the string is longer than " + std::to_string(limit) + " bytes");
    return *text;
}

std::int64_t JsonPlace::integer(std::int64_t least, std::int64_t most) const
{
    if (!value_->is_number_integer())
        refuse("this is not an integer");
    const bool huge = value_->is_number_unsigned()
        && value_->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::int64_t number = huge ? 0 : value_->get<std::int64_t>();
    if (huge || number < least || number > most)
        refuse("the number is not from " + std::to_string(least) + " to " + std::to_string(most));
    return number;
}

double JsonPlace::number() const
{
    // What JSON has no number for stands there as a text.
    if (const auto* text = value_->get_ptr<const json::string_t*>()) {
        if (*text == "Infinity")
            return std::numeric_limits<double>::infinity();
        if (*text == "-Infinity")
            return -std::numeric_limits<double>::infinity();
        if (*text == "NaN")
            return std::numeric_limits<double>::quiet_NaN();
    }
    if (!value_->is_number())
        refuse("this is not a number");
    return value_->get<double>();
}

bool JsonPlace::truth() const
{
    if (!value_->is_boolean())
        refuse("this is neither true nor false");
    return value_->get<bool>();
}

const json::array_t& JsonPlace::array(std::size_t limit) const
{
    const auto* array = value_->get_ptr<const json::array_t*>();
    if (!array)
        refuse("this is not a list");
    if (array->size() > limit)
        refuse("the list has more than " + std::to_string(limit) + " items");
    return *array;
}

const json::object_t& JsonPlace::object() const
{
    const auto* object = value_->get_ptr<const json::object_t*>();
    if (!object)
        refuse("this is not an object");
    return *object;
}

std::string_view JsonPlace::choice() const
{
    const auto& members = object();
    if (members.size() != 1)
        refuse("this is not an object with exactly one key");
    return members.begin()->first;
}

JsonPlace JsonPlace::chosen() const
{
    return {object().begin()->second, where_};
}

} // namespace pipebd::engine
