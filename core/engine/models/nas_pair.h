// NasPair: a MobileNetV2 (CVPR 2018) as the teacher of a ProxylessNAS-style supernet (ICLR 2019), in six blocks.
//
// The stem and the narrow first cell belong to block 0; the wide last convolution, the mean and the classifier to block 5. They are
// the same in teacher and student. docs/formats/pairs.md lists the tensors' names.
#pragma once

#include "engine/models/convolution.h"

#include <array>
#include <string>
#include <vector>

namespace pipebd::engine {

class Chain;

struct NasDimensions {
    struct Stage {
        int width;
        int stride;
        int teacher_cells;
        int student_cells;
    };

    std::string_view name;
    Input input;
    int classes;
    int stem_width;
    int stem_stride;
    int first_width; // of the first cell, which is not searched
    int last_width;
    std::array<Stage, 6> stages;
    Naming teacher; // how the teacher's tensors are named
};

class NasPair : public Pair {
public:
    explicit NasPair(NasDimensions dimensions);

    std::string_view name() const override { return dimensions_.name; }
    std::vector<std::string> block_names() const override;
    Input input() const override { return dimensions_.input; }
    int classes() const override { return dimensions_.classes; }

    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override;
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override;

private:
    struct Places;

    template <typename AddCell>
    void fill(Chain& chain, int block, const Places& places, AddCell add_cell) const;

    NasDimensions dimensions_;
};

/// MobileNetV2 as torchvision has it, names included, and the supernet of Pipe-BD's NAS workload: for CIFAR-10 at the strides for
/// 32x32, for ImageNet at those for 224x224.
const Pair& nas_cifar10();
const Pair& nas_imagenet();

} // namespace pipebd::engine
