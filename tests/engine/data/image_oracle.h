// Image files with what other tools make of them, as tests/python/data_oracle.py writes it.
#pragma once

#include "base/safetensors.h"
#include "engine/data/image.h"
#include "engine/data/resize.h"

#include <QTest>

#include <cstring>
#include <string>
#include <vector>

namespace pipebd::test {

struct OracleImage {
    std::string name;
    std::span<const std::byte> bytes;
    const TensorView* pixels = nullptr;
    const TensorView* resized = nullptr; // null: not asked
    const TensorView* evaluation = nullptr; // null: not asked
};

inline std::vector<OracleImage> images_of(const SafetensorsFile& oracle)
{
    std::vector<OracleImage> images;
    for (const TensorView& tensor : oracle.tensors())
        if (tensor.name.find('/') == std::string::npos)
            images.push_back({tensor.name, tensor.data, oracle.find(tensor.name + "/pixels"), oracle.find(tensor.name + "/resized"),
                oracle.find(tensor.name + "/evaluation")});
    return images;
}

inline bool same_pixels(const engine::Image& image, const TensorView& expected)
{
    return expected.shape == std::vector<std::int64_t>{image.height, image.width, 3}
    && std::memcmp(image.pixels.data(), expected.data.data(), image.pixels.size()) == 0;
}

inline void compare_with_pillow(const OracleImage& image)
{
    const engine::Image decoded = engine::decode_image(image.bytes, image.name);
    QVERIFY2(same_pixels(decoded, *image.pixels), image.name.c_str());
    const engine::ImageSize size = engine::image_size(image.bytes, image.name);
    QVERIFY2(size.width == decoded.width && size.height == decoded.height, image.name.c_str());
    if (image.resized == nullptr)
        return;
    const int height = static_cast<int>(image.resized->shape[0]), width = static_cast<int>(image.resized->shape[1]);
    const engine::Box whole{0, 0, decoded.width, decoded.height};
    QVERIFY2(same_pixels(engine::resized(decoded, whole, width, height, {0, 0, width, height}), *image.resized),
        (image.name + ", resized").c_str());
}

} // namespace pipebd::test
