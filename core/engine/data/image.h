// Image: a JPEG or PNG file as RGB, 8 bits a channel.
//
// Grey, palette, 16-bit, transparent and CMYK images come out as Pillow's Image.open(file).convert("RGB") gives them, bit for bit:
// grey three times, of 16 bits the upper eight (of grey too, where Pillow makes white of most), without regard to transparency and
// to the orientation that a camera has noted.
// What a file is, its content says, not its name. A file that is cut off or damaged anywhere is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pipebd::engine {

struct ImageSize {
    int width = 0;
    int height = 0;
};

struct Image {
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> pixels; // [height, width, 3]
};

/// As declared by the file. Throws Error{Damaged} that names `where` for what is no JPEG or PNG, or has more than 100 million
/// pixels.
ImageSize image_size(std::span<const std::byte> bytes, const std::string& where);

/// Throws like image_size(). With a `shrink` of 2, 4 or 8 a JPEG is decoded to 1/shrink of its size, rounded up, in less time; a
/// PNG is not.
Image decode_image(std::span<const std::byte> bytes, const std::string& where, int shrink = 1);

} // namespace pipebd::engine
