#include "engine/data/augmentation.h"

#include <cmath>

namespace pipebd::engine {

Box random_part(int width, int height, Draws& draws)
{
    constexpr double least_area = 0.08, widest = 4.0 / 3;
    constexpr int attempts = 10;
    const auto place = [&](int room) { return static_cast<int>(draws.below(static_cast<std::uint64_t>(room) + 1)); };
    for (int i = 0; i < attempts; ++i) {
        const double area = static_cast<double>(width) * height * (least_area + (1 - least_area) * draws.uniform());
        const double ratio = std::exp((2 * draws.uniform() - 1) * std::log(widest));
        const auto w = static_cast<int>(std::lround(std::sqrt(area * ratio)));
        const auto h = static_cast<int>(std::lround(std::sqrt(area / ratio)));
        if (w > 0 && h > 0 && w <= width && h <= height) {
            const int left = place(width - w), top = place(height - h);
            return {left, top, w, h};
        }
    }
    const int w = std::min(width, std::max(1, static_cast<int>(std::lround(height * widest))));
    const int h = std::min(height, std::max(1, static_cast<int>(std::lround(width * widest))));
    return {(width - w) / 2, (height - h) / 2, w, h};
}

bool flips(Draws& draws)
{
    return draws.below(2) == 1;
}

Shift Shift::random(Draws& draws)
{
    constexpr int border = 4;
    Shift shift;
    shift.down = static_cast<int>(draws.below(2 * border + 1)) - border;
    shift.right = static_cast<int>(draws.below(2 * border + 1)) - border;
    shift.mirrored = flips(draws);
    return shift;
}

} // namespace pipebd::engine
