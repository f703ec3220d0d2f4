// Metric parts: a text too long for one line, such as the profile of a thousand blocks, goes in several, each with a part of it.
//
//     {"v":1,"type":"profile",...,"text":"{\"format\":\"pipebd.","part":0,"parts":2}
//     {"v":1,"type":"profile",...,"text":"profile/1\"}","part":1,"parts":2}
#pragma once

#include "experiment/metrics.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace pipebd::experiment {

inline constexpr std::size_t longest_part = 128 << 10; // bytes of text: below 1 MiB, whatever of it has to be escaped
inline constexpr std::size_t longest_text = 16 << 20; // bytes; the profile of thousands of blocks

/// `metric` as it is, or in parts if its text is longer than longest_part. No part ends inside of a UTF-8 character. Throws
/// Error{Protocol} for a text longer than longest_text.
std::vector<Metric> in_parts(Metric metric);

/// Puts parts together again. Holds longest_text bytes at most, whatever it is given.
class MetricParts {
public:
    /// `metric` if it is whole; nothing for a part that is not the last; at the last one, the whole. Other metrics may come between
    /// parts. Throws Error{Protocol} for a part that does not follow the one before, and for a text longer than longest_text;
    /// what had come of it is then forgotten.
    std::optional<Metric> take(Metric metric);

private:
    std::optional<Metric> begun_; // with the text so far; part: that is expected next
};

} // namespace pipebd::experiment
