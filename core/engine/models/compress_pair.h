// CompressPair: VGG-16 with batch norm as the teacher of the same network of depthwise-separable convolutions, in six blocks.
//
// The 13 convolutions, 2, 2, 3, 3, 3, make blocks 0 to 4, each of which ends in a max-pool; the classifier is block 5. The student
// has in place of each 3x3 convolution twice a depthwise 3x3 and a 1x1, each with batch norm and ReLU. No dropout: the teacher is
// only ever evaluated, and a student block sees the teacher's outputs. docs/formats/pairs.md lists the tensors' names.
#pragma once

#include "engine/models/block.h"

#include <array>
#include <string>
#include <vector>

namespace pipebd::engine {

class Chain;

struct CompressDimensions {
    std::string_view name;
    Input input; // square, its side a multiple of 32
    int classes;
    std::array<int, 5> widths; // of the convolutions of each block
    int hidden; // of the classifier's two hidden layers
};

class CompressPair : public Pair {
public:
    explicit CompressPair(CompressDimensions dimensions);

    std::string_view name() const override { return dimensions_.name; }
    std::vector<std::string> block_names() const override;
    Input input() const override { return dimensions_.input; }
    int classes() const override { return dimensions_.classes; }

    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override;
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override;

private:
    template <typename AddConvolution>
    std::unique_ptr<Block> make(std::string_view network, int block, std::uint64_t seed, AddConvolution add_convolution) const;

    CompressDimensions dimensions_;
};

/// Torchvision's vgg16_bn, names included; for CIFAR-10 with a classifier of 512-512-512-10.
const Pair& compress_cifar10();
const Pair& compress_imagenet();

/// The same in small, for grey digits.
const Pair& compress_digits();

} // namespace pipebd::engine
