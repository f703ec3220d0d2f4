#include "experiment/toml_text.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <string>

namespace pipebd::experiment {

namespace {

void check_utf8(std::string_view text, std::string_view where)
{
    for (int line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (!is_utf8(text.substr(0, end)))
            throw Error(
                Code::BadRequest, "the file is not UTF-8", std::string(where) + ':' + std::to_string(line), "save it as UTF-8");
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

} // namespace

toml::table parse_toml(std::string_view text, std::string_view where)
{
    check_utf8(text, where);
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        throw Error(Code::BadRequest, "this is not TOML (" + printable(error.description(), 200) + ")",
            std::string(where) + ':' + std::to_string(error.source().begin.line),
            "write keys like batch = 64 or name = \"text\", each once, under [sections]");
    }
}

} // namespace pipebd::experiment
