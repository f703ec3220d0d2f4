// Resizing with antialiasing: each pixel is the mean of those under a triangle as wide as the step between pixels, but at least
// two.
//
// In the fixed-point arithmetic of Pillow's Image.resize(..., BILINEAR): 22 bits, rows first, rounded to bytes between the passes.
// The same bits as Pillow gives, and so as torchvision gives for Pillow's images; but Pillow 13 makes columns first of images that are
// more than about twice as high as wide (its pull request 9549), which differs by 1 of 255 at most.
#pragma once

#include "engine/data/image.h"

namespace pipebd::engine {

struct Box {
    int left = 0;
    int top = 0;
    int width = 0;
    int height = 0;
};

/// The part `from` of `image`, resized to width x height; of that the part `to`. Nothing outside `from` is looked at.
Image resized(const Image& image, Box from, int width, int height, Box to);

} // namespace pipebd::engine
