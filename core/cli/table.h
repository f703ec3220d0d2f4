// Table: rows of text in aligned columns.
#pragma once

#include "base/text.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pipebd::cli {

class Table {
public:
    /// A heading that begins with '>' makes a column that is aligned to the right.
    explicit Table(std::vector<std::string> headings);

    void add(std::vector<std::string> row); // as many cells as headings

    /// Two spaces between columns, none at the end of a line.
    std::string text() const;

private:
    std::vector<bool> to_the_right_;
    std::vector<std::vector<std::string>> rows_; // the headings first
};

/// `number` with `decimals` places.
std::string fixed(double number, int decimals);

/// The sizes of a shape: "3x224x224".
std::string shape_text(const std::vector<std::int64_t>& sizes);

/// 0.973 as "97.3 %".
std::string percent(double fraction);

/// With its sign: "+4.1 %".
std::string signed_percent(double fraction);

} // namespace pipebd::cli
