// Images: decoded and resized to the bits that Pillow gives; what is cut off, damaged or too large is refused in words.
#include "engine/data/augmentation.h"
#include "engine/data/image.h"
#include "engine/data/resize.h"
#include "engine_testing.h"
#include "image_oracle.h"

#include <algorithm>
#include <cmath>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

std::vector<std::byte> with_bytes(std::span<const std::byte> bytes, std::size_t place, std::initializer_list<int> values)
{
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    for (int value : values)
        copy.at(place++) = static_cast<std::byte>(value);
    return copy;
}

std::uint32_t crc(std::span<const std::byte> bytes)
{
    std::uint32_t sum = ~0U;
    for (std::byte byte : bytes) {
        sum ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320U : 0);
    }
    return ~sum;
}

/// A picture without noise, so that shrinking loses little.
Image smooth(int width, int height)
{
    Image image{width, height, {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int channel = 0; channel < 3; ++channel)
                image.pixels.push_back(
                    static_cast<std::uint8_t>(127 + 100 * std::sin(x * 0.02 * (channel + 1)) * std::cos(y * 0.03)));
    return image;
}

} // namespace

class TestImages : public QObject {
    Q_OBJECT

    const SafetensorsFile m_oracle{std::filesystem::path(PIPEBD_SOURCE_DIR "/tests/golden/images.safetensors")};
    const std::vector<test::OracleImage> m_images = test::images_of(m_oracle);

    const test::OracleImage& image(const std::string& name) const
    {
        return *std::ranges::find(m_images, name, &test::OracleImage::name);
    }

private Q_SLOTS:
    void pixelsAreThoseOfPillow()
    {
        QCOMPARE(m_images.size(), std::size_t{25});
        for (const test::OracleImage& image : m_images)
            test::compare_with_pillow(image);
    }

    void aPartOfAResizedImageIsThatPartOfTheWhole()
    {
        const Image picture = decode_image(image("colour.png").bytes, "colour.png");
        const Image whole = resized(picture, Box{2, 1, 12, 11}, 31, 9, {0, 0, 31, 9});
        const Image part = resized(picture, Box{2, 1, 12, 11}, 31, 9, {5, 3, 20, 4});
        for (int y = 0; y < 4; ++y)
            QVERIFY(std::equal(
                part.pixels.begin() + y * 60, part.pixels.begin() + (y + 1) * 60, whole.pixels.begin() + ((y + 3) * 31 + 5) * 3));

        Image cut{12, 11, {}};
        for (int y = 1; y < 12; ++y)
            cut.pixels.insert(
                cut.pixels.end(), picture.pixels.begin() + (y * 17 + 2) * 3, picture.pixels.begin() + (y * 17 + 14) * 3);
        QVERIFY(resized(cut, Box{0, 0, 12, 11}, 31, 9, {0, 0, 31, 9}).pixels == whole.pixels);
        QVERIFY(resized(cut, Box{0, 0, 12, 11}, 12, 11, {0, 0, 12, 11}).pixels == cut.pixels);
    }

    void aJpegMayBeDecodedSmaller()
    {
        for (int shrink : {2, 4, 8}) {
            const Image small = decode_image(image("420.jpg").bytes, "420.jpg", shrink);
            QCOMPARE(small.width, (17 + shrink - 1) / shrink);
            QCOMPARE(small.height, (13 + shrink - 1) / shrink);
        }
        QCOMPARE(decode_image(image("colour.png").bytes, "colour.png", 4).width, 17);
    }

    void truncatedAtEveryLengthItIsRefused() // I3
    {
        for (const test::OracleImage& image : m_images) {
            for (std::size_t length = 0; length < image.bytes.size(); ++length) {
                const auto error = error_of([&] { decode_image(image.bytes.first(length), "a folder/" + image.name); });
                QVERIFY2(error && error->code() == Code::Damaged && error->where() == "a folder/" + image.name,
                    qPrintable(QString("%1, %2 bytes").arg(QString::fromStdString(image.name)).arg(length)));
                QVERIFY2(std::string_view(error->what()).size() > 30, error->what());
            }
        }
        VERIFY_SAYS(error_of([&] { decode_image({}, "a.jpg"); }), "the file is empty: a.jpg; download the image again");
        VERIFY_SAYS(error_of([&] { decode_image(image("420.jpg").bytes.first(300), "a.jpg"); }),
            "this JPEG is damaged (Premature end of JPEG file): a.jpg");
        VERIFY_SAYS(error_of([&] { decode_image(image("colour.png").bytes.first(300), "a.png"); }),
            "this PNG is damaged (it is cut off): a.png");
        const std::string text = "GIF89a, but not an image";
        VERIFY_SAYS(error_of([&] { decode_image(std::as_bytes(std::span(text)), "a.png"); }), "neither a JPEG nor a PNG: a.png");
    }

    void mutatedItIsReadOrRefused() // I3
    {
        int refused = 0;
        for (std::uint64_t mutation = 0; mutation < 2000; ++mutation) {
            const test::OracleImage& original = m_images[mutation % m_images.size()];
            std::vector<std::byte> bytes(original.bytes.begin(), original.bytes.end());
            Draws draws(mutation);
            for (std::uint64_t count = 1 + draws.below(4); count > 0; --count)
                bytes[draws.below(bytes.size())] = static_cast<std::byte>(draws.below(256));
            const auto error = error_of([&] { decode_image(bytes, original.name); });
            refused += error ? 1 : 0;
            QVERIFY(!error || error->code() == Code::Damaged);
        }
        QVERIFY(refused > 500);
    }

    void aBombIsRefusedBeforeItsMemoryIsTaken()
    {
        std::vector<std::byte> png = with_bytes(image("colour.png").bytes, 16, {0, 0, 0x80, 0, 0, 0, 0x80, 0});
        const std::uint32_t sum = crc(std::span(png).subspan(12, 17)); // of the header chunk
        png = with_bytes(png, 29,
            {static_cast<int>(sum >> 24), static_cast<int>(sum >> 16 & 255), static_cast<int>(sum >> 8 & 255),
                static_cast<int>(sum & 255)});
        VERIFY_SAYS(
            error_of([&] { decode_image(png, "a.png"); }), "an image of 32768 x 32768 has more than 100 million pixels: a.png");

        const std::span<const std::byte> jpeg = image("444.jpg").bytes;
        std::size_t frame = 0; // SOF0: marker, length, precision, height, width
        while (jpeg[frame] != std::byte{0xff} || jpeg[frame + 1] != std::byte{0xc0})
            ++frame;
        VERIFY_SAYS(error_of([&] {
            decode_image(with_bytes(jpeg, frame + 5, {0xff, 0, 0xff, 0}), "a.jpg");
        }),
            "an image of 65280 x 65280 has more than 100 million pixels: a.jpg");
    }

    void aPartToTrainOnKeepsToItsBounds()
    {
        double least = 1, most = 0, sum = 0;
        for (std::uint64_t place = 0; place < 4000; ++place) {
            Draws draws(place);
            const Box part = random_part(500, 375, draws);
            QVERIFY(part.left >= 0 && part.top >= 0 && part.left + part.width <= 500 && part.top + part.height <= 375);
            const double area = static_cast<double>(part.width) * part.height / (500 * 375);
            const double ratio = static_cast<double>(part.width) / part.height;
            QVERIFY(ratio > 0.74 && ratio < 1.345);
            least = std::min(least, area);
            most = std::max(most, area);
            sum += area;
        }
        QVERIFY(least > 0.078 && least < 0.09);
        QVERIFY(most > 0.95 && most <= 1);
        QVERIFY(std::abs(sum / 4000 - 0.435) < 0.015); // as 20,000 of torchvision's have: the large ones fit less often
        Draws draws(1);
        const Box narrow = random_part(1000, 3, draws);
        QVERIFY(narrow.width == 4 && narrow.height == 3 && narrow.left == 498 && narrow.top == 0);
    }

    void imagesAreMirroredHalfTheTime()
    {
        int mirrored = 0;
        for (std::uint64_t place = 0; place < 4000; ++place) {
            Draws draws(place);
            mirrored += flips(draws) ? 1 : 0;
        }
        QVERIFY(std::abs(mirrored - 2000) < 150); // deviation 32
    }

    void resizingKeepsTheMean()
    {
        const Image image = smooth(300, 200);
        const Image small = resized(image, Box{10, 20, 280, 160}, 70, 40, {0, 0, 70, 40});
        for (int y = 0; y < 40; ++y)
            for (int x = 0; x < 70; ++x) {
                double sum = 0;
                for (int i = 0; i < 16; ++i)
                    sum += image.pixels[static_cast<std::size_t>(((20 + 4 * y + i / 4) * 300 + 10 + 4 * x + i % 4) * 3)];
                QVERIFY(std::abs(small.pixels[static_cast<std::size_t>((y * 70 + x) * 3)] - sum / 16) <= 3);
            }
    }
};

QTEST_GUILESS_MAIN(TestImages)
#include "test_images.moc"
