#include "experiment/metric_parts.h"

#include "base/error.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pipebd::experiment {

namespace {

[[noreturn]] void refuse(const std::string& what)
{
    throw Error(Code::Protocol, what, "metrics");
}

void require_short(std::size_t bytes)
{
    if (bytes > longest_text)
        refuse("a text is longer than " + std::to_string(longest_text) + " bytes");
}

/// How many of the bytes from `begin` on are a part: whole characters, if they are UTF-8.
std::size_t part_length(const std::string& text, std::size_t begin)
{
    std::size_t end = std::min(text.size(), begin + longest_part);
    const auto continues
        = [&](std::size_t at) { return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; };
    for (int back = 0; back < 3 && continues(end); ++back)
        --end;
    return end - begin;
}

} // namespace

std::vector<Metric> in_parts(Metric metric)
{
    require_short(metric.text.size());
    if (metric.text.size() <= longest_part)
        return {std::move(metric)};
    const std::string text = std::move(metric.text);
    std::vector<Metric> parts;
    for (std::size_t begin = 0; begin < text.size(); begin += metric.text.size()) {
        metric.text = text.substr(begin, part_length(text, begin));
        metric.part = static_cast<int>(parts.size());
        parts.push_back(metric);
    }
    for (Metric& part : parts)
        part.parts = static_cast<int>(parts.size());
    return parts;
}

std::optional<Metric> MetricParts::take(Metric metric)
{
    if (metric.parts == 0)
        return metric;
    const int expected = begun_ ? begun_->part : 0;
    const bool follows = metric.part == expected && metric.part < metric.parts
        && (!begun_ || (begun_->type == metric.type && begun_->parts == metric.parts));
    if (!follows) {
        begun_.reset();
        refuse("part " + std::to_string(metric.part) + " of " + std::to_string(metric.parts) + " of a text arrived where part "
            + std::to_string(expected) + " was expected");
    }
    if (begun_) {
        const std::size_t bytes = begun_->text.size() + metric.text.size();
        if (bytes > longest_text)
            begun_.reset();
        require_short(bytes);
        begun_->text += metric.text;
    } else
        begun_ = std::move(metric);
    if (++begun_->part < begun_->parts)
        return std::nullopt;
    std::optional<Metric> whole = std::exchange(begun_, std::nullopt);
    whole->part = whole->parts = 0;
    return whole;
}

} // namespace pipebd::experiment
