#include "engine/data/image_formats.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

namespace pipebd::engine {

namespace {

// libjpeg leaves a call that fails by longjmp: the functions that set the target hold nothing that has a destructor.
class JpegDecoder {
public:
    JpegDecoder(std::span<const std::byte> bytes, const std::string& where)
        : where_(where)
    {
        info_.err = jpeg_std_error(&failure_.manager);
        failure_.manager.error_exit = &leave;
        failure_.manager.emit_message = &leave_if_damaged;
        if (!create(bytes) || !read_header())
            throw not_sound();
        check_size(info_.image_width, info_.image_height, where_);
    }
    ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
    JpegDecoder(const JpegDecoder&) = delete;

    ImageSize size() const { return {static_cast<int>(info_.image_width), static_cast<int>(info_.image_height)}; }

    Image decode(int shrink)
    {
        const bool is_cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
        info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
        info_.scale_num = 1;
        info_.scale_denom = static_cast<unsigned>(shrink);
        if (!start())
            throw not_sound();
        Image image{static_cast<int>(info_.output_width), static_cast<int>(info_.output_height), {}};
        const std::size_t row = std::size_t{info_.output_width} * static_cast<std::size_t>(info_.output_components);
        image.pixels.resize(row * info_.output_height);
        if (!read(image.pixels.data(), row))
            throw not_sound();
        if (is_cmyk)
            rgb_of_cmyk(image.pixels);
        return image;
    }

private:
    Error not_sound() const { return bad_image(std::string("this JPEG is damaged (") + failure_.text + ")", where_); }

    struct Failure {
        jpeg_error_mgr manager; // libjpeg's pointer to it is one to all of this
        std::jmp_buf target;
        char text[JMSG_LENGTH_MAX];
    };

    [[noreturn]] static void leave(j_common_ptr info)
    {
        auto* failure = reinterpret_cast<Failure*>(info->err);
        (*info->err->format_message)(info, failure->text);
        std::longjmp(failure->target, 1);
    }

    // libjpeg goes on after these, with grey areas or a shifted rest.
    static void leave_if_damaged(j_common_ptr info, int level)
    {
        const int code = info->err->msg_code;
        const bool harmless
            = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_ICC;
        if (level < 0 && !harmless)
            leave(info);
    }

    // A file of a few kilobytes can declare scans that take minutes.
    static void leave_if_endless(j_common_ptr info)
    {
        constexpr int most_scans = 500;
        if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= most_scans)
            return;
        auto* failure = reinterpret_cast<Failure*>(info->err);
        std::snprintf(failure->text, sizeof failure->text, "it has more than %d scans", most_scans);
        std::longjmp(failure->target, 1);
    }

    bool create(std::span<const std::byte> bytes)
    {
        if (setjmp(failure_.target) != 0)
            return false;
        jpeg_create_decompress(&info_);
        jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        progress_.progress_monitor = &leave_if_endless;
        info_.progress = &progress_;
        info_.mem->max_memory_to_use = 1L << 30;
        return true;
    }

    bool read_header()
    {
        if (setjmp(failure_.target) != 0)
            return false;
        jpeg_read_header(&info_, TRUE);
        return true;
    }

    bool start()
    {
        if (setjmp(failure_.target) != 0)
            return false;
        jpeg_start_decompress(&info_);
        return true;
    }

    bool read(std::uint8_t* pixels, std::size_t row)
    {
        if (setjmp(failure_.target) != 0)
            return false;
        while (info_.output_scanline < info_.output_height) {
            JSAMPROW line = pixels + info_.output_scanline * row;
            jpeg_read_scanlines(&info_, &line, 1);
        }
        jpeg_finish_decompress(&info_);
        return true;
    }

    // The file holds 255 less each ink (Adobe's convention), and an ink takes its share of the light that black leaves: as in
    // Pillow.
    static void rgb_of_cmyk(std::vector<std::uint8_t>& pixels)
    {
        const std::size_t count = pixels.size() / 4;
        for (std::size_t i = 0; i < count; ++i) {
            const int light = pixels[4 * i + 3];
            for (std::size_t channel = 0; channel < 3; ++channel) {
                const int taken = (255 - pixels[4 * i + channel]) * light + 128;
                pixels[3 * i + channel] = static_cast<std::uint8_t>(std::max(0, light - (((taken >> 8) + taken) >> 8)));
            }
        }
        pixels.resize(3 * count);
    }

    const std::string& where_;
    Failure failure_{};
    jpeg_progress_mgr progress_{};
    jpeg_decompress_struct info_{};
};

} // namespace

bool is_jpeg(std::span<const std::byte> bytes)
{
    return bytes.size() >= 2 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{0xd8};
}

ImageSize jpeg_size(std::span<const std::byte> bytes, const std::string& where)
{
    return JpegDecoder(bytes, where).size();
}

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& where, int shrink)
{
    return JpegDecoder(bytes, where).decode(shrink);
}

} // namespace pipebd::engine
