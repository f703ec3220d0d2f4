#include "engine/models/nas_pair.h"

#include "engine/models/supernet.h"

namespace pipebd::engine {

/// Makers of what is not a cell of a stage.
struct NasPair::Places {
    TensorMaker stem;
    TensorMaker first;
    TensorMaker last;
    TensorMaker classifier;
    Naming naming = Naming::Ours;

    static Places ours(const TensorMaker& maker)
    {
        return {.stem = maker.part("stem"),
            .first = maker.part("first"),
            .last = maker.part("last"),
            .classifier = maker.part("classifier")};
    }

    static Places torchvision(const TensorMaker& maker, int cells)
    {
        const TensorMaker features = maker.part("features");
        return {.stem = features.part("0"),
            .first = features.part("1"),
            .last = features.part(std::to_string(2 + cells)),
            .classifier = maker.part("classifier").part("1"),
            .naming = Naming::Torchvision};
    }
};

NasPair::NasPair(NasDimensions dimensions)
    : dimensions_(std::move(dimensions))
{
}

template <typename AddCell>
void NasPair::fill(Chain& chain, int block, const Places& places, AddCell add_cell) const
{
    const NasDimensions& d = dimensions_;
    const NasDimensions::Stage& stage = d.stages.at(static_cast<std::size_t>(block));
    int width = d.first_width;
    if (block == 0) {
        const auto channels = static_cast<int>(d.input.shape[0]);
        chain.add(std::make_unique<ConvolutionUnit>(places.stem,
            Convolution::Shape{.in = channels, .out = d.stem_width, .kernel = 3, .stride = d.stem_stride}, Activation::Relu6,
            places.naming));
        chain.add(std::make_unique<InvertedResidual>(
            places.first, InvertedResidual::Shape{.in = d.stem_width, .out = d.first_width, .expansion = 1}, places.naming));
    } else {
        width = d.stages[static_cast<std::size_t>(block) - 1].width;
    }
    add_cell(width, stage);
    if (block + 1 == static_cast<int>(d.stages.size())) {
        chain.add(std::make_unique<ConvolutionUnit>(
            places.last, Convolution::Shape{.in = stage.width, .out = d.last_width}, Activation::Relu6, places.naming));
        chain.add(std::make_unique<Classifier>(places.classifier, d.last_width, d.classes));
    }
}

std::vector<std::string> NasPair::block_names() const
{
    std::vector<std::string> names;
    for (std::size_t block = 0; block < dimensions_.stages.size(); ++block)
        names.push_back("stage" + std::to_string(block));
    return names;
}

std::unique_ptr<Block> NasPair::make_teacher(int block, std::uint64_t seed) const
{
    const bool ours = dimensions_.teacher == Naming::Ours;
    int before = 0, all = 0;
    for (int b = 0; const NasDimensions::Stage& stage : dimensions_.stages) {
        before += b++ < block ? stage.teacher_cells : 0;
        all += stage.teacher_cells;
    }
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker
        = ours ? chain->maker("teacher", seed, "blocks." + std::to_string(block)) : chain->maker("teacher", seed);
    fill(*chain, block, ours ? Places::ours(maker) : Places::torchvision(maker, all), [&](int in, const auto& stage) {
        for (int cell = 0; cell < stage.teacher_cells; ++cell) {
            const TensorMaker place = ours ? maker.part("cells").part(std::to_string(cell))
                                           : maker.part("features").part(std::to_string(2 + before + cell));
            chain->add(std::make_unique<InvertedResidual>(place,
                InvertedResidual::Shape{
                    .in = cell == 0 ? in : stage.width, .out = stage.width, .stride = cell == 0 ? stage.stride : 1},
                dimensions_.teacher));
        }
    });
    return chain;
}

std::unique_ptr<Block> NasPair::make_student(int block, std::uint64_t seed) const
{
    auto supernet = std::make_unique<SupernetBlock>(block);
    const TensorMaker maker = supernet->maker("student", seed, "blocks." + std::to_string(block));
    fill(*supernet, block, Places::ours(maker), [&](int in, const auto& stage) {
        for (int cell = 0; cell < stage.student_cells; ++cell)
            supernet->add_cell(maker, cell == 0 ? in : stage.width, stage.width, cell == 0 ? stage.stride : 1);
    });
    return supernet;
}

const Pair& nas_cifar10()
{
    static const NasPair pair({.name = "nas-cifar10",
        .input = {.shape = {3, 32, 32}},
        .classes = 10,
        .stem_width = 32,
        .stem_stride = 1,
        .first_width = 16,
        .last_width = 1280,
        .stages = {{{24, 1, 2, 2}, {32, 2, 3, 4}, {64, 2, 4, 4}, {96, 1, 3, 4}, {160, 2, 3, 4}, {320, 1, 1, 1}}},
        .teacher = Naming::Torchvision});
    return pair;
}

const Pair& nas_imagenet()
{
    static const NasPair pair({.name = "nas-imagenet",
        .input = {.shape = {3, 224, 224}},
        .classes = 1000,
        .stem_width = 32,
        .stem_stride = 2,
        .first_width = 16,
        .last_width = 1280,
        .stages = {{{24, 2, 2, 2}, {32, 2, 3, 4}, {64, 2, 4, 4}, {96, 1, 3, 4}, {160, 2, 3, 4}, {320, 1, 1, 1}}},
        .teacher = Naming::Torchvision});
    return pair;
}

} // namespace pipebd::engine
