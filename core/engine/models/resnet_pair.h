// ResnetPair: ResNet-50 as the teacher of ResNet-18 (CVPR 2016), in torchvision's form and names.
//
// Blocks: the stem with its max-pool, layer1 to layer4, of which the last ends in the mean and the classifier "fc". Outputs of the
// two networks differ in width, so they can be trained end to end only.
#pragma once

#include "engine/models/block.h"

#include <array>
#include <string>
#include <vector>

namespace pipebd::engine {

struct ResnetDimensions {
    struct Network {
        std::array<int, 4> depths; // of layer1 to layer4
        int expansion; // 4: bottlenecks, whose stride is in the 3x3; 1: two 3x3
    };

    std::string_view name;
    Input input;
    int classes;
    Network teacher;
    Network student;
};

class ResnetPair : public Pair {
public:
    explicit ResnetPair(ResnetDimensions dimensions);

    std::string_view name() const override { return dimensions_.name; }
    std::vector<std::string> block_names() const override { return {"stem", "layer1", "layer2", "layer3", "layer4"}; }
    Input input() const override { return dimensions_.input; }
    int classes() const override { return dimensions_.classes; }

    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override;
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override;

private:
    std::unique_ptr<Block> make(
        std::string_view name, const ResnetDimensions::Network& network, int block, std::uint64_t seed) const;

    ResnetDimensions dimensions_;
};

const Pair& resnet50_resnet18();

} // namespace pipebd::engine
