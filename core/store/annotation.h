// Annotation: what people say of a run beside what it measured: tags, a note, and that it is deleted.
#pragma once

#include <string>
#include <vector>

namespace pipebd::store {

struct Annotation {
    std::vector<std::string> tags; // each once, sorted by their bytes; compared exactly
    std::string note; // any text
    std::string deleted; // softly, when: ISO 8601, UTC; empty: it is not
    bool operator==(const Annotation&) const = default;
};

/// Throws Error{BadRequest} for what can be no tag: empty, longer than 100 bytes, not UTF-8, with a comma, a control character, or
/// a space at either end.
void check_tag(const std::string& tag);

} // namespace pipebd::store
