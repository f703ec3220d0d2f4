#include "base/csv.h"

#include <charconv>
#include <cmath>
#include <system_error>

namespace pipebd {

namespace {

bool is_number(std::string_view text)
{
    if (text.starts_with('+'))
        text.remove_prefix(1);
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

bool is_formula(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos)
        return false;
    return std::string_view("=+-@\t\r\n").find(text[first]) != std::string_view::npos && !is_number(text);
}

} // namespace

CsvWriter& CsvWriter::text(std::string_view value)
{
    std::string guarded(is_formula(value) ? 1 : 0, '\'');
    guarded += value;
    if (format_ == TableFormat::Tsv) {
        for (char& character : guarded)
            if (character == '\t' || character == '\n' || character == '\r')
                character = ' ';
        cell(guarded);
        return *this;
    }
    if (guarded.find_first_of(",\"\r\n") == std::string::npos) {
        cell(guarded);
        return *this;
    }
    std::string quoted = "\"";
    for (const char character : guarded) {
        quoted += character;
        if (character == '"')
            quoted += '"';
    }
    cell(quoted + '"');
    return *this;
}

CsvWriter& CsvWriter::number(double value)
{
    cell(std::isfinite(value) ? shortest(value) : std::string());
    return *this;
}

CsvWriter& CsvWriter::whole(std::int64_t value)
{
    cell(std::to_string(value));
    return *this;
}

CsvWriter& CsvWriter::empty()
{
    cell({});
    return *this;
}

void CsvWriter::end_line()
{
    contents_ += format_ == TableFormat::Csv ? "\r\n" : "\n";
    line_has_cells_ = false;
}

void CsvWriter::cell(std::string_view value)
{
    if (line_has_cells_)
        contents_ += format_ == TableFormat::Csv ? ',' : '\t';
    contents_ += value;
    line_has_cells_ = true;
}

std::string shortest(double value)
{
    char text[32];
    const std::to_chars_result result = std::to_chars(text, text + sizeof text, value);
    return {text, result.ptr};
}

} // namespace pipebd
