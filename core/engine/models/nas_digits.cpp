#include "engine/models/nas_digits.h"

#include "engine/models/nas_pair.h"
#include "engine/models/resources.h"

namespace pipebd::engine {

namespace {

// MobileNetV2 at the strides for 32x32 images; narrower, as the digits are easier.
class NasDigits : public NasPair {
public:
    NasDigits()
        : NasPair({.name = "nas-digits",
            .input = {.shape = {1, 32, 32}},
            .classes = 10,
            .stem_width = 16,
            .stem_stride = 1,
            .first_width = 8,
            .last_width = 640,
            .stages = {{{16, 1, 2, 2}, {24, 2, 3, 4}, {48, 2, 4, 4}, {64, 1, 3, 4}, {112, 2, 3, 4}, {192, 1, 1, 1}}},
            .teacher = Naming::Ours})
    {
    }

    std::span<const std::byte> teacher_weights() const override { return resources::nas_digits_teacher(); }
    std::string_view teacher_weights_sha256() const override { return resources::nas_digits_teacher_sha256(); }
};

} // namespace

const Pair& nas_digits()
{
    static const NasDigits pair;
    return pair;
}

} // namespace pipebd::engine
