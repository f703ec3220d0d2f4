#include "engine/models/resnet_pair.h"

#include "engine/models/layers.h"

namespace pipebd::engine {

namespace {

constexpr int stem_width = 64;

/// One of the blocks that the papers call residual: `width` inside, `width` * expansion outside.
std::unique_ptr<Residual> residual(const TensorMaker& maker, int in, int width, int expansion, int stride)
{
    const int out = width * expansion;
    std::vector<ConvolutionUnit> units;
    const auto add = [&](Convolution::Shape shape, bool last) {
        const std::string number = std::to_string(units.size() + 1);
        units.emplace_back(
            maker.part("conv" + number), maker.part("bn" + number), shape, last ? Activation::None : Activation::Relu);
    };
    if (expansion == 1) {
        add({.in = in, .out = width, .kernel = 3, .stride = stride}, false);
        add({.in = width, .out = width, .kernel = 3}, true);
    } else {
        add({.in = in, .out = width}, false);
        add({.in = width, .out = width, .kernel = 3, .stride = stride}, false);
        add({.in = width, .out = out}, true);
    }
    if (stride == 1 && in == out)
        return std::make_unique<Residual>(std::move(units), Residual::Sum::Input, std::nullopt, Activation::Relu);
    return std::make_unique<Residual>(std::move(units), Residual::Sum::Shortcut,
        ConvolutionUnit(maker.part("downsample"), Convolution::Shape{.in = in, .out = out, .stride = stride}, Activation::None,
            Naming::Torchvision),
        Activation::Relu);
}

} // namespace

ResnetPair::ResnetPair(ResnetDimensions dimensions)
    : dimensions_(std::move(dimensions))
{
}

std::unique_ptr<Block> ResnetPair::make(
    std::string_view name, const ResnetDimensions::Network& network, int block, std::uint64_t seed) const
{
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker(name, seed);
    if (block == 0) {
        const auto channels = static_cast<int>(dimensions_.input.shape[0]);
        chain->add(std::make_unique<ConvolutionUnit>(maker.part("conv1"), maker.part("bn1"),
            Convolution::Shape{.in = channels, .out = stem_width, .kernel = 7, .stride = 2}, Activation::Relu));
        chain->add(std::make_unique<MaxPool>(3, 2, 1));
        return chain;
    }
    const int width = stem_width << (block - 1), out = width * network.expansion;
    int in = block == 1 ? stem_width : out / 2;
    const TensorMaker layer = maker.part("layer" + std::to_string(block));
    for (int i = 0; i < network.depths.at(static_cast<std::size_t>(block) - 1); ++i) {
        chain->add(residual(layer.part(std::to_string(i)), in, width, network.expansion, i == 0 && block > 1 ? 2 : 1));
        in = out;
    }
    if (block == static_cast<int>(network.depths.size()))
        chain->add(std::make_unique<Classifier>(maker.part("fc"), out, dimensions_.classes));
    return chain;
}

std::unique_ptr<Block> ResnetPair::make_teacher(int block, std::uint64_t seed) const
{
    return make("teacher", dimensions_.teacher, block, seed);
}

std::unique_ptr<Block> ResnetPair::make_student(int block, std::uint64_t seed) const
{
    return make("student", dimensions_.student, block, seed);
}

const Pair& resnet50_resnet18()
{
    static const ResnetPair pair({.name = "resnet50-resnet18",
        .input = {.shape = {3, 224, 224}},
        .classes = 1000,
        .teacher = {.depths = {3, 4, 6, 3}, .expansion = 4},
        .student = {.depths = {2, 2, 2, 2}, .expansion = 1}});
    return pair;
}

} // namespace pipebd::engine
