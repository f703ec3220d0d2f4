#include "engine/nas_digits.h"

#include "engine/resources.h"
#include "engine/supernet.h"

#include <array>

namespace pipebd::engine {

namespace {

constexpr int channels = 1;
constexpr int side = 32;
constexpr int class_count = 10;
constexpr int stem_width = 16;
constexpr int first_width = 8; // of the first cell, which is not searched
constexpr int last_width = 640;

struct Stage {
    int width;
    int stride;
    int teacher_cells;
    int student_cells;
};

// MobileNetV2 at the strides for 32x32 images; narrower, as the digits are easier.
constexpr std::array<Stage, 6> stages{{
    {16, 1, 2, 2},
    {24, 2, 3, 4},
    {48, 2, 4, 4},
    {64, 1, 3, 4},
    {112, 2, 3, 4},
    {192, 1, 1, 1},
}};

class NasDigits : public Pair {
public:
    std::string_view name() const override { return "nas-digits"; }
    std::vector<std::string> block_names() const override;
    Input input() const override { return {.shape = {channels, side, side}}; }
    int classes() const override { return class_count; }

    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override;
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override;

    std::span<const std::byte> teacher_weights() const override { return resources::nas_digits_teacher(); }
    std::string_view teacher_weights_sha256() const override { return resources::nas_digits_teacher_sha256(); }
};

int input_width(int block)
{
    return block == 0 ? first_width : stages[static_cast<std::size_t>(block) - 1].width;
}

// What comes before the first stage and after the last one is the same in teacher and student.
void add_stem(Chain& chain, const TensorMaker& maker)
{
    chain.add(std::make_unique<ConvolutionUnit>(
        maker.part("stem"), Convolution::Shape{.in = channels, .out = stem_width, .kernel = 3}, true));
    chain.add(std::make_unique<InvertedResidual>(
        maker.part("first"), InvertedResidual::Shape{.in = stem_width, .out = first_width, .expansion = 1}));
}

void add_head(Chain& chain, const TensorMaker& maker)
{
    chain.add(std::make_unique<ConvolutionUnit>(
        maker.part("last"), Convolution::Shape{.in = stages.back().width, .out = last_width}, true));
    chain.add(std::make_unique<Classifier>(maker.part("classifier"), last_width, class_count));
}

template <typename AddCell>
void fill(Chain& chain, const TensorMaker& maker, int block, int cells, AddCell add_cell)
{
    const Stage& stage = stages.at(static_cast<std::size_t>(block));
    if (block == 0)
        add_stem(chain, maker);
    add_cell(0, input_width(block), stage.width, stage.stride);
    for (int cell = 1; cell < cells; ++cell)
        add_cell(cell, stage.width, stage.width, 1);
    if (block + 1 == static_cast<int>(stages.size()))
        add_head(chain, maker);
}

std::vector<std::string> NasDigits::block_names() const
{
    std::vector<std::string> names;
    for (std::size_t block = 0; block < stages.size(); ++block)
        names.push_back("stage" + std::to_string(block));
    return names;
}

std::unique_ptr<Block> NasDigits::make_teacher(int block, std::uint64_t seed) const
{
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker("teacher", seed, "blocks." + std::to_string(block));
    fill(
        *chain, maker, block, stages.at(static_cast<std::size_t>(block)).teacher_cells, [&](int cell, int in, int out, int stride) {
            chain->add(std::make_unique<InvertedResidual>(
                maker.part("cells").part(std::to_string(cell)), InvertedResidual::Shape{.in = in, .out = out, .stride = stride}));
        });
    return chain;
}

std::unique_ptr<Block> NasDigits::make_student(int block, std::uint64_t seed) const
{
    auto supernet = std::make_unique<SupernetBlock>(block);
    const TensorMaker maker = supernet->maker("student", seed, "blocks." + std::to_string(block));
    fill(*supernet, maker, block, stages.at(static_cast<std::size_t>(block)).student_cells,
        [&](int, int in, int out, int stride) { supernet->add_cell(maker, in, out, stride); });
    return supernet;
}

} // namespace

const Pair& nas_digits()
{
    static const NasDigits pair;
    return pair;
}

} // namespace pipebd::engine
