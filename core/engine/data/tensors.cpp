#include "engine/data/tensors.h"

#include "base/error.h"
#include "base/safetensors.h"
#include "base/text.h"
#include "engine/data/augmentation.h"

#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

namespace pipebd::engine {

namespace {

std::string text_of(const std::vector<std::int64_t>& shape)
{
    std::string text;
    for (std::int64_t size : shape)
        text += (text.empty() ? "[" : ", ") + std::to_string(size);
    return text.empty() ? "[]" : text + "]";
}

// Data in a file need not be aligned.
template <typename Value>
Value value_at(const TensorView& tensor, std::int64_t index)
{
    Value value;
    std::memcpy(&value, tensor.data.data() + static_cast<std::size_t>(index) * sizeof value, sizeof value);
    return value;
}

class Tensors final : public Source {
public:
    Tensors(const std::string& path, const Input& input, int classes)
        : where_(printable(path))
        , file_(path)
        , input_(input)
        , classes_(classes)
        , values_(std::accumulate(input.shape.begin(), input.shape.end(), std::int64_t{1}, std::multiplies<>()))
    {
        train_ = pair("");
        const bool has_test = file_.find("test_" + inputs_name()) != nullptr || file_.find("test_labels") != nullptr;
        test_ = has_test ? pair("test_") : train_;
        every_ = has_test ? 0 : 10;
        if (size(Part::Train) == 0 || size(Part::Test) == 0)
            throw wrong("there are too few samples to train and to test", train_.inputs->name);
    }

    std::int64_t size(Part part) const override
    {
        const std::int64_t all = (part == Part::Test ? test_ : train_).labels->shape[0];
        if (every_ == 0)
            return all;
        return part == Part::Test ? all / every_ : all - all / every_;
    }

    std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws> draws) const override
    {
        const Labelled& tensors = part == Part::Test ? test_ : train_;
        if (every_ != 0)
            index = part == Part::Test ? index * every_ + every_ - 1 : index / (every_ - 1) * every_ + index % (every_ - 1);
        const auto label = value_at<std::int64_t>(*tensors.labels, index);
        if (label < 0 || label >= classes_)
            throw damaged("there is no class " + std::to_string(label), *tensors.labels, index);
        if (input_.is_text())
            read_text(*tensors.inputs, index, row.tokens);
        else
            read_image(*tensors.inputs, index, row.values, draws ? Shift::random(*draws) : Shift{});
        return label;
    }

private:
    struct Labelled {
        const TensorView* inputs = nullptr;
        const TensorView* labels = nullptr;
    };

    std::string inputs_name() const { return input_.is_text() ? "tokens" : "images"; }

    Error wrong(const std::string& what, const std::string& tensor) const
    {
        return {Code::BadRequest, what, where_ + ", tensor " + tensor, "write the tensors as described in docs/formats/data.md"};
    }

    static Error damaged(const std::string& what, const std::string& where)
    {
        return {Code::Damaged, what, where, "write the file again"};
    }

    Error damaged(const std::string& what, const TensorView& tensor, std::int64_t index) const
    {
        return damaged(what, where_ + ", " + tensor.name + '[' + std::to_string(index) + ']');
    }

    Labelled pair(const std::string& prefix) const
    {
        const auto find = [&](const std::string& name) {
            const TensorView* tensor = file_.find(name);
            if (tensor == nullptr)
                throw wrong("the tensor is missing", name);
            return tensor;
        };
        const Labelled found{find(prefix + inputs_name()), find(prefix + "labels")};
        const bool right_dtype = input_.is_text() ? found.inputs->dtype == DType::I64
                                                  : found.inputs->dtype == DType::U8 || found.inputs->dtype == DType::F32;
        if (!right_dtype)
            throw wrong("the tensor is " + std::string(to_string(found.inputs->dtype)) + ", not "
                    + (input_.is_text() ? "I64" : "U8 or F32"),
                found.inputs->name);
        if (found.inputs->shape.size() != input_.shape.size() + 1
            || !std::equal(input_.shape.begin(), input_.shape.end(), found.inputs->shape.begin() + 1))
            throw wrong("samples of shape "
                    + text_of({found.inputs->shape.begin() + (found.inputs->shape.empty() ? 0 : 1), found.inputs->shape.end()})
                    + " do not fit the pair, which takes " + text_of(input_.shape),
                found.inputs->name);
        if (found.labels->dtype != DType::I64 || found.labels->shape != std::vector<std::int64_t>{found.inputs->shape[0]})
            throw wrong(
                "the tensor is not I64 with one label for each of the " + std::to_string(found.inputs->shape[0]) + " samples",
                found.labels->name);
        return found;
    }

    void read_text(const TensorView& tensor, std::int64_t index, std::int64_t* tokens) const
    {
        for (std::int64_t i = index * values_; i < (index + 1) * values_; ++i) {
            const auto token = value_at<std::int64_t>(tensor, i);
            if (token < 0 || token >= input_.vocabulary)
                throw damaged("there is no token " + std::to_string(token), tensor, index);
            *tokens++ = token;
        }
    }

    void read_image(const TensorView& tensor, std::int64_t index, float* values, const Shift& shift) const
    {
        const std::int64_t channels = input_.shape[0], height = input_.shape[1], width = input_.shape[2];
        const std::int64_t begin = index * values_, plane = height * width;
        const bool bytes = tensor.dtype == DType::U8;
        for (std::int64_t y = 0; y < height; ++y) {
            for (std::int64_t x = 0; x < width; ++x) {
                const std::int64_t pixel = shift.source(y, x, height, width);
                for (std::int64_t channel = 0; channel < channels; ++channel) {
                    const std::int64_t place = begin + channel * plane + pixel;
                    *values++ = pixel < 0 ? 0
                        : bytes           ? static_cast<float>(value_at<std::uint8_t>(tensor, place)) / 255
                                          : value_at<float>(tensor, place);
                }
            }
        }
    }

    const std::string where_;
    const SafetensorsFile file_;
    const Input input_;
    const int classes_;
    const std::int64_t values_; // of a sample
    Labelled train_;
    Labelled test_;
    std::int64_t every_ = 0; // so many of train_'s samples one is for testing; 0: none
};

} // namespace

std::unique_ptr<const Source> open_tensors(const experiment::Data& data, const Input& input, int classes)
{
    return std::make_unique<Tensors>(data.path, input, classes);
}

} // namespace pipebd::engine
