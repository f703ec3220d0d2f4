// Profiles of small whole numbers, whose simulations can be worked out by hand.
#pragma once

#include "schedule/nearly.h"
#include "schedule/simulator.h"

#include <QString>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace pipebd::schedule::test {

/// Times: load 1, teacher 2, student forward 3, backward 4, update 5, all-reduce 6. Bytes a sample: outputs 10, 20, ...,
/// activations 1000, 2000, ... Teacher 1, 2, ... tens of millions; student, gradients and optimizer so many millions together.
inline Profile small_profile(int blocks, double latency, int batch = 4)
{
    Profile profile;
    profile.batch = batch;
    profile.link = {latency, 0};
    for (int b = 0; b < blocks; ++b) {
        BlockProfile block;
        for (int n = 1; n <= batch; ++n) {
            profile.load[n] = 1;
            block.teacher_forward[n] = 2;
            block.student_forward[n] = 3;
            block.student_backward[n] = 4;
        }
        block.name = std::to_string(b);
        block.update = 5;
        block.all_reduce = {{2, 6.0}, {3, 6.0}};
        block.output_bytes = 10 * (b + 1);
        block.activation_bytes = 1000 * (b + 1);
        block.teacher_bytes = 10'000'000 * (b + 1);
        block.student_bytes = 500'000 * (b + 1);
        block.gradient_bytes = 300'000 * (b + 1);
        block.optimizer_bytes = 200'000 * (b + 1);
        profile.blocks.push_back(block);
    }
    return profile;
}

constexpr std::int64_t teacher_bytes(int block)
{
    return 10'000'000 * (block + 1);
}
constexpr std::int64_t student_bytes(int block)
{
    return 1'000'000 * (block + 1);
}

inline Simulation simulated(const char* text, const Profile& profile, const SimulationOptions& options = {})
{
    return simulate(from_text(text), profile, options);
}

inline constexpr const char* two_stages = "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1";

} // namespace pipebd::schedule::test
