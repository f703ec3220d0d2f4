#include "engine/models/compress_pair.h"

#include "engine/models/layers.h"

namespace pipebd::engine {

namespace {

constexpr std::array convolutions{2, 2, 3, 3, 3};
constexpr int teacher_layers = 3; // modules in torchvision's `features` that one convolution makes: with batch norm and ReLU

void add_separable(Chain& chain, const TensorMaker& maker, int in, int out)
{
    const auto add = [&](const TensorMaker& part, int from, int to, int kernel, int groups) {
        chain.add(std::make_unique<ConvolutionUnit>(
            part, Convolution::Shape{.in = from, .out = to, .kernel = kernel, .groups = groups}, Activation::Relu));
    };
    add(maker.part("depthwise"), in, in, 3, in);
    add(maker.part("pointwise"), in, out, 1, 1);
}

} // namespace

CompressPair::CompressPair(CompressDimensions dimensions)
    : dimensions_(std::move(dimensions))
{
}

std::vector<std::string> CompressPair::block_names() const
{
    std::vector<std::string> names;
    for (std::size_t block = 0; block < convolutions.size(); ++block)
        names.push_back("stage" + std::to_string(block));
    names.emplace_back("classifier");
    return names;
}

template <typename AddConvolution>
std::unique_ptr<Block> CompressPair::make(
    std::string_view network, int block, std::uint64_t seed, AddConvolution add_convolution) const
{
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker(network, seed);
    const auto index = static_cast<std::size_t>(block);
    if (index == convolutions.size()) {
        const auto side = static_cast<int>(dimensions_.input.shape[1]) / 32;
        const int hidden = dimensions_.hidden;
        const TensorMaker classifier = maker.part("classifier");
        chain->add(
            std::make_unique<LinearUnit>(classifier.part("0"), dimensions_.widths.back() * side * side, hidden, Activation::Relu));
        chain->add(std::make_unique<LinearUnit>(classifier.part("3"), hidden, hidden, Activation::Relu));
        chain->add(std::make_unique<LinearUnit>(classifier.part("6"), hidden, dimensions_.classes, Activation::None));
        return chain;
    }
    int feature = 0;
    for (std::size_t before = 0; before < index; ++before)
        feature += convolutions[before] * teacher_layers + 1; // and the max-pool
    int in = block == 0 ? static_cast<int>(dimensions_.input.shape[0]) : dimensions_.widths[index - 1];
    for (int convolution = 0; convolution < convolutions.at(index); ++convolution) {
        add_convolution(*chain, maker.part("features"), feature, in, dimensions_.widths[index]);
        in = dimensions_.widths[index];
        feature += teacher_layers;
    }
    chain->add(std::make_unique<MaxPool>(2, 2, 0));
    return chain;
}

std::unique_ptr<Block> CompressPair::make_teacher(int block, std::uint64_t seed) const
{
    return make("teacher", block, seed, [](Chain& chain, const TensorMaker& features, int feature, int in, int out) {
        chain.add(
            std::make_unique<ConvolutionUnit>(features.part(std::to_string(feature)), features.part(std::to_string(feature + 1)),
                Convolution::Shape{.in = in, .out = out, .kernel = 3, .bias = true}, Activation::Relu));
    });
}

std::unique_ptr<Block> CompressPair::make_student(int block, std::uint64_t seed) const
{
    return make("student", block, seed, [](Chain& chain, const TensorMaker& features, int feature, int in, int out) {
        const TensorMaker maker = features.part(std::to_string(feature));
        add_separable(chain, maker.part("first"), in, out);
        add_separable(chain, maker.part("second"), out, out);
    });
}

const Pair& compress_cifar10()
{
    static const CompressPair pair({.name = "compress-cifar10",
        .input = {.shape = {3, 32, 32}},
        .classes = 10,
        .widths = {64, 128, 256, 512, 512},
        .hidden = 512});
    return pair;
}

const Pair& compress_imagenet()
{
    static const CompressPair pair({.name = "compress-imagenet",
        .input = {.shape = {3, 224, 224}},
        .classes = 1000,
        .widths = {64, 128, 256, 512, 512},
        .hidden = 4096});
    return pair;
}

const Pair& compress_digits()
{
    static const CompressPair pair({.name = "compress-digits",
        .input = {.shape = {1, 32, 32}},
        .classes = 10,
        .widths = {16, 32, 64, 128, 128},
        .hidden = 128});
    return pair;
}

} // namespace pipebd::engine
