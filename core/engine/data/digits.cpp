#include "engine/data/digits.h"

#include "base/error.h"
#include "base/safetensors.h"
#include "engine/models/resources.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <vector>

namespace pipebd::engine {

namespace {

constexpr const char* file_name = "resources/digits.safetensors";

class Digits final : public Source {
public:
    explicit Digits(const Input& input)
    {
        const SafetensorsFile file(resources::digits(), file_name);
        const TensorView* images = file.find("images");
        const TensorView* labels = file.find("labels");
        if (!images || !labels || images->dtype != DType::U8 || labels->dtype != DType::U8 || images->shape.size() != 3
            || labels->shape != std::vector<std::int64_t>{images->shape[0]})
            throw Error(Code::Damaged, "the file contains no digits", file_name, "create it with make_digits.py");
        for (std::byte label : labels->data)
            labels_.push_back(std::to_integer<std::int64_t>(label));

        at::Tensor small = at::empty({images->shape[0], 1, images->shape[1], images->shape[2]}, at::kFloat);
        float* value = small.mutable_data_ptr<float>();
        for (std::byte grey : images->data)
            *value++ = (static_cast<float>(grey) / white - mean) / deviation;
        images_ = at::upsample_bilinear2d(small, {input.shape[1], input.shape[2]}, false);
        values_ = input.shape[1] * input.shape[2];
    }

    std::int64_t size(Part part) const override
    {
        const auto all = static_cast<std::int64_t>(labels_.size()), test = all / every;
        return part == Part::Test ? test : all - test;
    }

    std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws>) const override
    {
        const std::int64_t sample
            = part == Part::Test ? index * every + every - 1 : index / (every - 1) * every + index % (every - 1);
        std::copy_n(images_.const_data_ptr<float>() + sample * values_, values_, row.values);
        return labels_[static_cast<std::size_t>(sample)];
    }

private:
    static constexpr std::int64_t every = 5;
    static constexpr float white = 16, mean = 0.3058F, deviation = 0.3764F; // of the training samples' grey values, 0 to 1

    at::Tensor images_; // [samples, 1, height, width]
    std::int64_t values_ = 0; // of a sample
    std::vector<std::int64_t> labels_;
};

} // namespace

std::unique_ptr<const Source> open_digits(const Input& input, int classes)
{
    if (input.is_text() || input.shape.size() != 3 || input.shape[0] != 1 || classes != 10)
        throw Error(Code::BadRequest, "the pair does not take grey images of 10 classes", "data.source = \"digits\"",
            "choose a pair that does, or data.source = \"synthetic\"");
    return std::make_unique<Digits>(input);
}

} // namespace pipebd::engine
