#include "engine/data/image_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/data/augmentation.h"
#include "engine/data/image_list.h"
#include "engine/data/normalisation.h"

#include <algorithm>
#include <cmath>

namespace pipebd::engine {

namespace {

constexpr Normalisation normalisation{{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}}; // of ImageNet

/// The largest by which a JPEG may be decoded smaller, so that `part` still has twice the pixels each way that are asked for: with
/// fewer it would come out blurred.
int shrink_for(const Box& part, int width, int height)
{
    int shrink = 8;
    while (shrink > 1 && (part.width / shrink < 2 * width || part.height / shrink < 2 * height))
        shrink /= 2;
    return shrink;
}

class ImageFolder final : public Source {
public:
    ImageFolder(FoundImages images, const Input& input)
        : images_(std::move(images))
        , height_(static_cast<int>(input.shape[1]))
        , width_(static_cast<int>(input.shape[2]))
    {
    }

    std::int64_t size(Part part) const override { return list(part).size(); }
    bool is_slow() const override { return true; }

    std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws> draws) const override
    {
        constexpr std::uintmax_t largest = std::uintmax_t{256} << 20;
        const std::filesystem::path path = list(part).path(index);
        const std::string file = read_file(path, largest), where = printable(path.native());
        const std::span<const std::byte> bytes = std::as_bytes(std::span(file));
        if (draws) {
            const Image image = part_of(bytes, where, *draws);
            write(image, flips(*draws), row.values);
        } else {
            write(middle_of(decode_image(bytes, where)), false, row.values);
        }
        return list(part).label(index);
    }

private:
    const ImageList& list(Part part) const { return part == Part::Test ? images_.test : images_.train; }

    Image part_of(std::span<const std::byte> bytes, const std::string& where, Draws& draws) const
    {
        const ImageSize size = image_size(bytes, where);
        const Box part = random_part(size.width, size.height, draws);
        const int wanted = shrink_for(part, width_, height_);
        const Image image = decode_image(bytes, where, wanted);
        const int shrink = image.width < size.width ? wanted : 1;
        return resized(image, Region(part, shrink), width_, height_, {0, 0, width_, height_});
    }

    Image middle_of(const Image& image) const
    {
        const int side = (std::max(width_, height_) * 256 + 112) / 224;
        const bool is_tall = image.height > image.width;
        const int longer = static_cast<int>(
            static_cast<std::int64_t>(side) * std::max(image.width, image.height) / std::min(image.width, image.height));
        const int width = is_tall ? side : longer, height = is_tall ? longer : side;
        const auto half = [](int room) { return static_cast<int>(std::nearbyint(room / 2.0)); }; // to even, as Python rounds
        return resized(image, Box{0, 0, image.width, image.height}, width, height,
            {half(width - width_), half(height - height_), width_, height_});
    }

    void write(const Image& image, bool mirrored, float* values) const
    {
        for (int y = 0; y < height_; ++y) {
            for (int x = 0; x < width_; ++x) {
                const std::uint8_t* pixel
                    = image.pixels.data() + 3 * (std::ptrdiff_t{y} * width_ + (mirrored ? width_ - 1 - x : x));
                for (std::size_t channel = 0; channel < 3; ++channel)
                    *values++ = normalisation(channel, pixel[channel]);
            }
        }
    }

    FoundImages images_;
    int height_;
    int width_;
};

} // namespace

std::unique_ptr<const Source> open_image_folder(const experiment::Data& data, const Input& input, int classes)
{
    if (input.is_text() || input.shape.size() != 3 || input.shape[0] != 3)
        throw Error(Code::BadRequest, "the pair does not take colour images", "data.source = \"imagefolder\"",
            "choose a pair that does, or data.source = \"synthetic\"");
    FoundImages images = find_images(data.path);
    if (static_cast<int>(images.classes.size()) != classes)
        throw Error(Code::BadRequest,
            "there are " + std::to_string(images.classes.size()) + " classes of images, but the pair has "
                + std::to_string(classes),
            printable(data.path), "choose a pair or a folder with the same number of classes");
    return std::make_unique<ImageFolder>(std::move(images), input);
}

} // namespace pipebd::engine
