#include "store/html_text.h"

#include "base/text.h"

#include <cstdio>

namespace pipebd::store {

std::string escaped(std::string_view text, std::size_t limit)
{
    std::string html;
    for (const char character : printable(text, limit)) {
        switch (character) {
        case '&':
            html += "&amp;";
            break;
        case '<':
            html += "&lt;";
            break;
        case '>':
            html += "&gt;";
            break;
        case '"':
            html += "&quot;";
            break;
        case '\'':
            html += "&#39;";
            break;
        default:
            html += character;
        }
    }
    return html;
}

std::string escaped_lines(std::string_view text, std::size_t limit)
{
    std::string html;
    bool first = true;
    for (text = text.substr(0, limit); !text.empty() || first; first = false) {
        const std::size_t end = text.find('\n');
        html += first ? "" : "\n";
        html += escaped(text.substr(0, end), limit);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return html;
}

std::string coordinate_text(double value)
{
    char text[64];
    std::snprintf(text, sizeof text, "%.2f", value);
    std::string shown = text;
    while (shown.back() == '0')
        shown.pop_back();
    if (shown.back() == '.')
        shown.pop_back();
    return shown;
}

} // namespace pipebd::store
