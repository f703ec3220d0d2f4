// RunFilter: what is typed above the table of runs, as a question to each of them.
//
//     digits fail             both words, each in any column
//     state:failed tag:base   in that column; a number's may be compared: loss:<0.1 accuracy:>=97 id:7
//     -tag:baseline           not
//     note:"second try"       quotes keep words together
//
// Case does not matter. A word before a colon that is no column's is part of the text: cuda:0.
#pragma once

#include "gui/runs/run_columns.h"

#include <QString>

#include <optional>
#include <vector>

namespace pipebd::gui {

class RunFilter {
public:
    RunFilter() = default;
    explicit RunFilter(const QString& text);

    bool accepts(const ListedRun& run) const;

private:
    enum class Comparison { Contains, Equal, Less, LessOrEqual, Greater, GreaterOrEqual };

    struct Term {
        std::optional<RunColumn> column; // none: any
        bool negated = false;
        Comparison comparison = Comparison::Contains;
        double number = 0;
        QString text;
    };

    static Term termOf(QString word);
    static bool holds(const Term& term, const ListedRun& run);

    std::vector<Term> m_terms;
};

} // namespace pipebd::gui
