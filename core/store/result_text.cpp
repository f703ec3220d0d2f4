#include "store/result_text.h"

#include "base/units.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace pipebd::store {

namespace {

std::string formatted(const char* format, double value)
{
    char text[400];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string text_in(Unit unit, const char* share_format, double value)
{
    switch (unit) {
    case Unit::SamplesPerSecond:
        return formatted("%.1f samples/s", value);
    case Unit::Milliseconds:
        return format_milliseconds(value);
    case Unit::Seconds:
        return format_milliseconds(1000 * value);
    case Unit::Bytes:
        return format_bytes(std::llround(value));
    case Unit::Share:
        return formatted(share_format, 100 * value);
    case Unit::Count:
        return formatted("%.0f", value);
    case Unit::Number:
        return formatted("%.4g", value);
    }
    return {};
}

} // namespace

std::string name_of(const ComparedResult& result)
{
    std::string name = result.key;
    std::replace(name.begin(), name.end(), '_', ' ');
    return result.block < 0 ? name : name + ", block " + std::to_string(result.block);
}

std::string text_of(const ComparedResult& result, double value)
{
    return text_in(result.unit, result.better == Better::NearerToNothing ? "%+.1f %%" : "%.1f %%", value);
}

std::string deviation_text(const ComparedResult& result, double deviation)
{
    return text_in(result.unit, "%.1f %%", deviation);
}

std::string_view direction_of(Better better)
{
    switch (better) {
    case Better::Higher:
        return "higher is better";
    case Better::Lower:
        return "lower is better";
    case Better::NearerToNothing:
        return "nearer to 0 is better";
    case Better::Neither:
        return "";
    }
    return "";
}

} // namespace pipebd::store
