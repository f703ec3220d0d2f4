#include "engine/data/image.h"

#include "engine/data/image_formats.h"

namespace pipebd::engine {

namespace {

Error no_image(std::span<const std::byte> bytes, const std::string& where)
{
    return bad_image(bytes.empty() ? "the file is empty" : "this is neither a JPEG nor a PNG", where);
}

} // namespace

Error bad_image(const std::string& what, const std::string& where)
{
    return {Code::Damaged, what, where, "download the image again, or remove it"};
}

void check_size(std::uint64_t width, std::uint64_t height, const std::string& where)
{
    constexpr std::uint64_t most = 100'000'000;
    if (width * height > most)
        throw bad_image(
            "an image of " + std::to_string(width) + " x " + std::to_string(height) + " has more than 100 million pixels", where);
}

ImageSize image_size(std::span<const std::byte> bytes, const std::string& where)
{
    if (is_jpeg(bytes))
        return jpeg_size(bytes, where);
    if (is_png(bytes))
        return png_size(bytes, where);
    throw no_image(bytes, where);
}

Image decode_image(std::span<const std::byte> bytes, const std::string& where, int shrink)
{
    if (is_jpeg(bytes))
        return decode_jpeg(bytes, where, shrink);
    if (is_png(bytes))
        return decode_png(bytes, where);
    throw no_image(bytes, where);
}

} // namespace pipebd::engine
