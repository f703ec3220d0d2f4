#include "engine/data/image_formats.h"

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>

namespace pipebd::engine {

namespace {

// libpng leaves a call that fails by longjmp: the functions that set the target hold nothing that has a destructor.
class PngDecoder {
public:
    PngDecoder(std::span<const std::byte> bytes, const std::string& where)
        : where_(where)
        , rest_(bytes)
    {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &leave, &ignore);
        info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
        if (info_ == nullptr)
            std::snprintf(text_, sizeof text_, "out of memory");
        if (info_ == nullptr || !read_header()) {
            const Error error = not_sound();
            png_destroy_read_struct(&png_, &info_, nullptr);
            throw error;
        }
    }
    ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
    PngDecoder(const PngDecoder&) = delete;

    ImageSize size() const
    {
        check_size(png_get_image_width(png_, info_), png_get_image_height(png_, info_), where_);
        return {static_cast<int>(png_get_image_width(png_, info_)), static_cast<int>(png_get_image_height(png_, info_))};
    }

    Image decode()
    {
        const ImageSize size = this->size();
        Image image{size.width, size.height, {}};
        const std::size_t row = 3 * static_cast<std::size_t>(size.width);
        if (!start(row))
            throw not_sound();
        image.pixels.resize(row * static_cast<std::size_t>(size.height));
        if (!read(image.pixels.data(), row, size.height))
            throw not_sound();
        return image;
    }

private:
    Error not_sound() const { return bad_image(std::string("this PNG is damaged (") + text_ + ")", where_); }

    [[noreturn]] static void leave(png_structp png, png_const_charp text)
    {
        auto* decoder = static_cast<PngDecoder*>(png_get_error_ptr(png));
        std::snprintf(decoder->text_, sizeof decoder->text_, "%s", text);
        png_longjmp(png, 1);
    }

    static void ignore(png_structp, png_const_charp) { }

    static void take(png_structp png, png_bytep into, std::size_t count)
    {
        auto* decoder = static_cast<PngDecoder*>(png_get_io_ptr(png));
        if (count > decoder->rest_.size())
            png_error(png, "it is cut off");
        std::memcpy(into, decoder->rest_.data(), count);
        decoder->rest_ = decoder->rest_.subspan(count);
    }

    bool read_header()
    {
        if (setjmp(png_jmpbuf(png_)) != 0)
            return false;
        png_set_read_fn(png_, this, &take);
        png_read_info(png_, info_);
        return true;
    }

    bool start(std::size_t row)
    {
        if (setjmp(png_jmpbuf(png_)) != 0)
            return false;
        png_set_strip_16(png_);
        png_set_palette_to_rgb(png_);
        png_set_expand_gray_1_2_4_to_8(png_);
        png_set_gray_to_rgb(png_);
        png_set_strip_alpha(png_);
        passes_ = png_set_interlace_handling(png_);
        png_read_update_info(png_, info_);
        if (png_get_rowbytes(png_, info_) != row)
            png_error(png_, "it has an unknown kind");
        return true;
    }

    bool read(std::uint8_t* pixels, std::size_t row, int rows)
    {
        if (setjmp(png_jmpbuf(png_)) != 0)
            return false;
        for (int pass = 0; pass < passes_; ++pass)
            for (int y = 0; y < rows; ++y)
                png_read_row(png_, pixels + static_cast<std::size_t>(y) * row, nullptr);
        png_read_end(png_, nullptr);
        return true;
    }

    const std::string& where_;
    std::span<const std::byte> rest_;
    char text_[120] = {};
    int passes_ = 1;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
};

} // namespace

bool is_png(std::span<const std::byte> bytes)
{
    constexpr std::size_t signature = 8;
    return bytes.size() >= signature && png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, signature) == 0;
}

ImageSize png_size(std::span<const std::byte> bytes, const std::string& where)
{
    return PngDecoder(bytes, where).size();
}

Image decode_png(std::span<const std::byte> bytes, const std::string& where)
{
    return PngDecoder(bytes, where).decode();
}

} // namespace pipebd::engine
