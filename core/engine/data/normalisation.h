// Normalisation: from bytes to values, (byte / 255 - mean) / deviation, each channel with its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace pipebd::engine {

class Normalisation {
public:
    using Channels = std::array<float, 3>;

    constexpr Normalisation(Channels mean, Channels deviation)
    {
        for (std::size_t channel = 0; channel < 3; ++channel)
            for (std::size_t byte = 0; byte < 256; ++byte)
                values_[channel][byte] = (static_cast<float>(byte) / 255 - mean[channel]) / deviation[channel];
    }

    constexpr float operator()(std::size_t channel, std::uint8_t byte) const { return values_[channel][byte]; }

private:
    std::array<std::array<float, 256>, 3> values_{};
};

} // namespace pipebd::engine
