#include "gui/runs/run_filter.h"

#include <QLocale>
#include <QStringList>

#include <algorithm>
#include <array>
#include <utility>

namespace pipebd::gui {

namespace {

/// Split at spaces that no quotes enclose; the quotes go.
QStringList wordsOf(const QString& text)
{
    QStringList words;
    QString word;
    bool quoted = false;
    for (const QChar c : text) {
        if (c == QLatin1Char('"')) {
            quoted = !quoted;
        } else if (c.isSpace() && !quoted) {
            words << word;
            word.clear();
        } else {
            word += c;
        }
    }
    words << word;
    words.removeAll(QString());
    return words;
}

std::optional<RunColumn> columnOfKey(const QString& key)
{
    for (int i = 0; i < runColumnCount; ++i) {
        const auto column = static_cast<RunColumn>(i);
        const QString name = filterKeyOf(column);
        if (name.compare(key, Qt::CaseInsensitive) == 0 || (name + QLatin1Char('s')).compare(key, Qt::CaseInsensitive) == 0)
            return column;
    }
    return std::nullopt;
}

bool has(const ListedRun& run, RunColumn column, const QString& text)
{
    if (textOf(run, column).contains(text, Qt::CaseInsensitive))
        return true;
    // The command line's word for it, in whatever language the window is.
    return column == RunColumn::State
        && QString::fromStdString(std::string(to_string(run.run.state))).contains(text, Qt::CaseInsensitive);
}

} // namespace

RunFilter::RunFilter(const QString& text)
{
    for (const QString& word : wordsOf(text))
        m_terms.push_back(termOf(word));
}

RunFilter::Term RunFilter::termOf(QString word)
{
    Term term;
    if (word.size() > 1 && word.startsWith(QLatin1Char('-'))) {
        term.negated = true;
        word.remove(0, 1);
    }
    const qsizetype colon = word.indexOf(QLatin1Char(':'));
    if (colon > 0)
        term.column = columnOfKey(word.left(colon));
    term.text = term.column ? word.mid(colon + 1) : word;
    if (!term.column || !isNumeric(*term.column))
        return term;

    static const std::array<std::pair<QString, Comparison>, 5> signs{{{QStringLiteral("<="), Comparison::LessOrEqual},
        {QStringLiteral(">="), Comparison::GreaterOrEqual}, {QStringLiteral("<"), Comparison::Less},
        {QStringLiteral(">"), Comparison::Greater}, {QStringLiteral("="), Comparison::Equal}}};
    const auto sign = std::find_if(signs.begin(), signs.end(), [&](const auto& one) { return term.text.startsWith(one.first); });
    const QString digits = sign == signs.end() ? term.text : term.text.mid(sign->first.size());
    bool isNumber = false;
    double number = QLocale::c().toDouble(digits, &isNumber);
    if (!isNumber)
        number = QLocale().toDouble(digits, &isNumber);
    if (isNumber) {
        term.number = number;
        if (sign != signs.end())
            term.comparison = sign->second;
        else if (*term.column == RunColumn::Id)
            term.comparison = Comparison::Equal; // id:7 is not 17
    }
    return term;
}

bool RunFilter::holds(const Term& term, const ListedRun& run)
{
    if (term.comparison != Comparison::Contains) {
        const std::optional<double> value = numberOf(run, *term.column);
        if (!value)
            return false;
        switch (term.comparison) {
        case Comparison::Less:
            return *value < term.number;
        case Comparison::LessOrEqual:
            return *value <= term.number;
        case Comparison::Greater:
            return *value > term.number;
        case Comparison::GreaterOrEqual:
            return *value >= term.number;
        default:
            return *value == term.number;
        }
    }
    if (term.column)
        return has(run, *term.column, term.text);
    for (int i = 0; i < runColumnCount; ++i)
        if (has(run, static_cast<RunColumn>(i), term.text))
            return true;
    return false;
}

bool RunFilter::accepts(const ListedRun& run) const
{
    return std::all_of(m_terms.begin(), m_terms.end(), [&](const Term& term) { return holds(term, run) != term.negated; });
}

} // namespace pipebd::gui
