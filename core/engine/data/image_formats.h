// What the decoders of the formats have in common. For image.cpp, jpeg.cpp and png.cpp only.
#pragma once

#include "base/error.h"
#include "engine/data/image.h"

namespace pipebd::engine {

bool is_jpeg(std::span<const std::byte> bytes);
ImageSize jpeg_size(std::span<const std::byte> bytes, const std::string& where);
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& where, int shrink);

bool is_png(std::span<const std::byte> bytes);
ImageSize png_size(std::span<const std::byte> bytes, const std::string& where);
Image decode_png(std::span<const std::byte> bytes, const std::string& where);

Error bad_image(const std::string& what, const std::string& where);

/// Throws bad_image() for more pixels than any image to train on has.
void check_size(std::uint64_t width, std::uint64_t height, const std::string& where);

} // namespace pipebd::engine
