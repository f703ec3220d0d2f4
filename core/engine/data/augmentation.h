// Augmentation: what is drawn for a training image, and how it is laid over the pixels.
#pragma once

#include "base/random.h"
#include "engine/data/resize.h"

#include <cstdint>

namespace pipebd::engine {

/// A part of a width x height image: of 0.08 to 1 of its area, uniform, with a ratio of 3/4 to 4/3, uniform in its logarithm
/// (Szegedy et al., "Going deeper with convolutions"). If ten draws do not fit, the largest part from the middle with such a ratio.
Box random_part(int width, int height, Draws& draws);

/// Half the time.
bool flips(Draws& draws);

/// crop-flip: an image with a border of 4 pixels around it, from which a part of its own size is cut, mirrored half the time.
struct Shift {
    int down = 0; // of the part's top left corner against the image's, -4 to 4
    int right = 0;
    bool mirrored = false;

    static Shift random(Draws& draws);

    /// Where pixel (y, x) of the part comes from: its place in a plane of height x width, or -1 for the border.
    std::int64_t source(std::int64_t y, std::int64_t x, std::int64_t height, std::int64_t width) const
    {
        const std::int64_t row = y + down, column = (mirrored ? width - 1 - x : x) + right;
        return row < 0 || row >= height || column < 0 || column >= width ? -1 : row * width + column;
    }
};

} // namespace pipebd::engine
