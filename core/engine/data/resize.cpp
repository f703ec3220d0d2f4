#include "engine/data/resize.h"

#include <algorithm>
#include <cmath>

namespace pipebd::engine {

namespace {

constexpr int precision = 22; // bits of a weight after the point

/// What some pixels in a row of the output are made of.
struct Taps {
    struct Pixel {
        int first = 0; // in the input
        int count = 0;
        std::size_t weights = 0; // where they begin
    };
    std::vector<Pixel> pixels;
    std::vector<int> weights;
};

/// For the pixels [begin, end) of `size` that [from, from + length) of the input is resized to.
Taps taps_of(double from, double length, int size, int begin, int end)
{
    const double scale = length / size, support = std::max(1.0, scale);
    const double whole = std::floor(from), inset = from - whole;
    const int origin = static_cast<int>(whole), limit = static_cast<int>(std::ceil(inset + length));
    Taps taps;
    std::vector<double> weights;
    for (int pixel = begin; pixel < end; ++pixel) {
        const double centre = inset + (pixel + 0.5) * scale;
        const int first = std::max(0, static_cast<int>(centre - support + 0.5));
        const int count = std::min(limit, static_cast<int>(centre + support + 0.5)) - first;
        double sum = 0;
        weights.clear();
        for (int i = first; i < first + count; ++i) {
            weights.push_back(std::max(0.0, 1 - std::abs((i - centre + 0.5) * (1 / support))));
            sum += weights.back();
        }
        taps.pixels.push_back({origin + first, count, taps.weights.size()});
        for (double weight : weights)
            taps.weights.push_back(static_cast<int>(0.5 + weight / sum * (1 << precision)));
    }
    return taps;
}

std::uint8_t rounded(int sum)
{
    return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
}

void resize_row(const std::uint8_t* row, const Taps& taps, std::uint8_t* into)
{
    for (const Taps::Pixel& pixel : taps.pixels) {
        int red = 1 << (precision - 1), green = red, blue = red;
        const std::uint8_t* from = row + std::ptrdiff_t{3} * pixel.first;
        for (const int *weight = taps.weights.data() + pixel.weights, *end = weight + pixel.count; weight != end; ++weight) {
            red += from[0] * *weight;
            green += from[1] * *weight;
            blue += from[2] * *weight;
            from += 3;
        }
        *into++ = rounded(red);
        *into++ = rounded(green);
        *into++ = rounded(blue);
    }
}

} // namespace

Image resized(const Image& image, const Region& from, int width, int height, Box to)
{
    const Taps across = taps_of(from.left, from.width, width, to.left, to.left + to.width);
    const Taps down = taps_of(from.top, from.height, height, to.top, to.top + to.height);
    const int first = down.pixels.front().first, end = down.pixels.back().first + down.pixels.back().count;
    const std::size_t row = 3 * static_cast<std::size_t>(to.width);

    std::vector<std::uint8_t> narrow(static_cast<std::size_t>(end - first) * row);
    for (int y = first; y < end; ++y)
        resize_row(image.pixels.data() + std::ptrdiff_t{3} * y * image.width, across,
            narrow.data() + static_cast<std::size_t>(y - first) * row);

    Image result{to.width, to.height, std::vector<std::uint8_t>(static_cast<std::size_t>(to.height) * row)};
    std::vector<int> sums(row);
    std::uint8_t* into = result.pixels.data();
    for (const Taps::Pixel& pixel : down.pixels) {
        std::ranges::fill(sums, 1 << (precision - 1));
        for (int i = 0; i < pixel.count; ++i) {
            const int weight = down.weights[pixel.weights + static_cast<std::size_t>(i)];
            const std::uint8_t* line = narrow.data() + static_cast<std::size_t>(pixel.first - first + i) * row;
            for (std::size_t x = 0; x < row; ++x)
                sums[x] += line[x] * weight;
        }
        into = std::ranges::transform(sums, into, rounded).out;
    }
    return result;
}

} // namespace pipebd::engine
