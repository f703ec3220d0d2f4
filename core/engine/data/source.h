// Source: labelled samples, one at a time. SourceData makes batches of them.
#pragma once

#include "base/random.h"

#include <cstdint>
#include <optional>

namespace pipebd::engine {

class Source {
public:
    enum class Part { Train, Test };

    virtual ~Source() = default;

    virtual std::int64_t size(Part part) const = 0;

    /// Whether reading a sample takes so long that more threads make it faster.
    virtual bool is_slow() const { return false; }

    /// Where a sample's input goes: an image's values [height, width, channels], or a text's tokens.
    struct Row {
        float* values = nullptr;
        std::int64_t* tokens = nullptr;
    };

    /// Writes the sample to `row` and returns its label. With `draws` it is augmented, as a function of them. Called by several
    /// threads at once; calls no LibTorch. Throws an Error that names the sample if it cannot be used.
    virtual std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws> draws) const = 0;
};

} // namespace pipebd::engine
