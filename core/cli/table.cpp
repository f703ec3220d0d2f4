#include "cli/table.h"

#include <algorithm>
#include <cstdio>

namespace pipebd::cli {

namespace {

/// Characters of UTF-8 text.
std::size_t width(const std::string& text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

} // namespace

Table::Table(std::vector<std::string> headings)
{
    for (std::string& heading : headings) {
        to_the_right_.push_back(heading.starts_with('>'));
        if (to_the_right_.back())
            heading.erase(0, 1);
    }
    rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> row)
{
    rows_.push_back(std::move(row));
}

std::string Table::text() const
{
    std::vector<std::size_t> widths(to_the_right_.size());
    for (const auto& row : rows_)
        for (std::size_t column = 0; column < row.size(); ++column)
            widths[column] = std::max(widths[column], width(row[column]));

    std::string text;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            const std::string padding(widths[column] - width(row[column]), ' ');
            line += column > 0 ? "  " : "";
            line += to_the_right_[column] ? padding + row[column] : row[column] + padding;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string fixed(double number, int decimals)
{
    char text[400];
    std::snprintf(text, sizeof text, "%.*f", decimals, number);
    return text;
}

std::string shape_text(const std::vector<std::int64_t>& sizes)
{
    std::string text;
    for (std::int64_t size : sizes)
        text += (text.empty() ? "" : "x") + std::to_string(size);
    return text;
}

std::string percent(double fraction)
{
    return fixed(fraction * 100, 1) + " %";
}

std::string signed_percent(double fraction)
{
    const std::string sign = fraction < 0 ? "" : "+";
    return sign + percent(fraction);
}

} // namespace pipebd::cli
