// CSV as RFC 4180 has it: UTF-8, commas, lines that end in CR LF, numbers as in C. What stands in a cell is never a formula to a
// spreadsheet that opens the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipebd {

/// Tsv: the same with tabs between cells and lines that end in LF; a tab or a line break in a text is a space.
enum class TableFormat { Csv, Tsv };

class CsvWriter {
public:
    explicit CsvWriter(TableFormat format = TableFormat::Csv)
        : format_(format)
    {
    }

    /// Text that a spreadsheet would calculate (it begins with = + - @, a tab or a line break, be it after spaces) has an
    /// apostrophe before it, unless it is a number.
    CsvWriter& text(std::string_view value);

    /// As many digits as are needed to read the same number back. An empty cell if it is not finite.
    CsvWriter& number(double value);
    CsvWriter& whole(std::int64_t value);
    CsvWriter& empty(); // a cell

    /// Ends the line.
    void end_line();

    const std::string& contents() const { return contents_; }

private:
    void cell(std::string_view value);

    TableFormat format_;
    std::string contents_;
    bool line_has_cells_ = false;
};

/// The shortest text that reads back as `value`: "0.1", "1e-07", "nan".
std::string shortest(double value);

} // namespace pipebd
