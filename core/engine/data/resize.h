// Resizing with antialiasing: each pixel is the mean of those under a triangle as wide as the step between pixels, but at least
// two.
//
// In the fixed-point arithmetic of Pillow's Image.resize(..., BILINEAR): 22 bits, rows first, rounded to bytes between the passes.
// The same bits as Pillow gives, and so as torchvision gives for Pillow's images; but Pillow 13 makes columns first of images that
// are more than about twice as high as wide (its pull request 9549), which differs by 1 of 255 at most.
#pragma once

#include "engine/data/image.h"

namespace pipebd::engine {

struct Box {
    int left = 0;
    int top = 0;
    int width = 0;
    int height = 0;
};

/// A part of an image, or of one that has been shrunk, where its border may lie inside of pixels.
struct Region {
    Region(const Box& box, int shrink = 1)
        : left(static_cast<double>(box.left) / shrink)
        , top(static_cast<double>(box.top) / shrink)
        , width(static_cast<double>(box.width) / shrink)
        , height(static_cast<double>(box.height) / shrink)
    {
    }

    double left, top, width, height;
};

/// The part `from` of `image`, resized to width x height; of that the part `to`. No pixel that lies outside `from` is looked at.
Image resized(const Image& image, const Region& from, int width, int height, Box to);

} // namespace pipebd::engine
