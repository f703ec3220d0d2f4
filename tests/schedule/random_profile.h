// Profiles and programs made by chance from a seed, and text damaged by chance.
#pragma once

#include "schedule/profile.h"
#include "schedule/program.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>

namespace pipebd::schedule::test {

using Random = std::mt19937_64;

inline int whole(Random& random, int least, int most)
{
    return std::uniform_int_distribution<int>(least, most)(random);
}
inline double real(Random& random, double least, double most)
{
    return std::uniform_real_distribution<double>(least, most)(random);
}

/// With times for the shards of up to `devices` devices.
inline Profile random_profile(Random& random, int blocks, int devices)
{
    Profile profile;
    profile.pair = "by chance";
    profile.device = "none";
    profile.batch = whole(random, devices, 300);
    profile.link = {real(random, 0, 0.5), real(random, 1e3, 1e6)};
    const auto times = [&](double most) {
        TimeBySamples result;
        for (int g = 1; g <= devices; ++g)
            result[shard_size(profile.batch, g)] = real(random, 0, most);
        return result;
    };
    profile.load = times(3);
    for (int b = 0; b < blocks; ++b) {
        BlockProfile block;
        block.name = "block" + std::to_string(b);
        block.teacher_forward = times(5);
        block.student_forward = times(5);
        block.student_backward = times(10);
        block.update = real(random, 0, 1);
        block.teacher_update = block.update;
        for (int g = 2; g <= devices; ++g)
            block.all_reduce[g] = real(random, 0, 2);
        block.output_bytes = whole(random, 0, 100'000);
        block.activation_bytes = whole(random, 0, 1'000'000);
        block.teacher_bytes = whole(random, 0, 1'000'000);
        block.student_bytes = whole(random, 0, 1'000'000);
        block.gradient_bytes = whole(random, 0, 1'000'000);
        block.optimizer_bytes = whole(random, 0, 1'000'000);
        profile.blocks.push_back(block);
    }
    return profile;
}

inline Shard random_shard(Random& random)
{
    Shard shard;
    shard.count = whole(random, 1, 3) == 1 ? whole(random, 1, 12) : 1;
    shard.index = whole(random, 0, shard.count - 1);
    return shard;
}

/// Any instruction that device `self` of `devices` may have, sensible or not.
inline Instruction random_instruction(Random& random, int self, int devices)
{
    Instruction made;
    made.op = static_cast<Op>(whole(random, 0, static_cast<int>(Op::Barrier)));
    if (devices == 1 && (made.op == Op::Send || made.op == Op::Receive))
        made.op = Op::TeacherForward;
    const bool transfers = made.op == Op::Send || made.op == Op::Receive;
    if (made.op != Op::Load && made.op != Op::Loss && made.op != Op::Barrier)
        made.block = whole(random, 0, 11);
    if (transfers) {
        made.payload = static_cast<Payload>(whole(random, 0, 2));
        made.peer = (self + whole(random, 1, devices - 1)) % devices;
        made.peer_shard = random_shard(random);
    }
    if (made.op == Op::AllReduce)
        for (int device = 0; device < devices; ++device)
            if (device == self || whole(random, 0, 1) == 1)
                made.group.push_back(device);
    if ((transfers || made.op == Op::StudentBackward) && whole(random, 0, 2) == 0) {
        made.parts = whole(random, 1, 4);
        made.part = whole(random, 0, made.parts - 1);
    }
    made.shard = random_shard(random);
    made.microbatch = whole(random, 0, 2) == 0 ? whole(random, 0, 15) : 0;
    made.view = whole(random, 0, 3) == 0 ? 1 : 0;
    made.ahead = whole(random, 0, 3) == 0 ? whole(random, -2, 3) : 0;
    return made;
}

inline Program random_program(Random& random)
{
    Program program;
    const int devices = whole(random, 1, 5);
    program.phases.resize(static_cast<std::size_t>(whole(random, 1, 3)));
    for (Phase& phase : program.phases) {
        phase.devices.resize(static_cast<std::size_t>(devices));
        for (int device = 0; device < devices; ++device)
            for (int i = whole(random, 0, 14); i > 0; --i) {
                const Instruction made = random_instruction(random, device, devices);
                auto& instructions = phase.devices[static_cast<std::size_t>(device)].instructions;
                instructions.push_back(made);
                if (made.op == Op::TeacherForward && devices > 1 && whole(random, 0, 1) == 1) { // and what it made goes to another
                    Instruction sent = made;
                    sent.op = Op::Send;
                    sent.peer = (device + 1) % devices;
                    instructions.push_back(sent);
                }
                program.blocks = std::max(program.blocks, made.block + 1);
                program.microbatches = std::max(program.microbatches, made.microbatch + 1);
            }
    }
    if (whole(random, 0, 3) == 0)
        program.blocks += whole(random, 1, 3);
    if (whole(random, 0, 3) == 0)
        program.microbatches += whole(random, 1, 3);
    return program;
}

/// `text` with one to four bytes changed, taken out, put in or doubled.
inline std::string damaged(std::string text, Random& random)
{
    for (int i = whole(random, 1, 4); i > 0 && !text.empty(); --i) {
        const auto place = static_cast<std::size_t>(whole(random, 0, static_cast<int>(text.size()) - 1));
        const auto length = static_cast<std::size_t>(whole(random, 1, 12));
        const char byte = static_cast<char>(whole(random, 0, 1) == 0
                ? whole(random, 0, 255)
                : text[static_cast<std::size_t>(whole(random, 0, static_cast<int>(text.size()) - 1))]);
        switch (whole(random, 0, 4)) {
        case 0:
            text[place] = byte;
            break;
        case 1:
            text.erase(place, length);
            break;
        case 2:
            text.insert(place, 1, byte);
            break;
        case 3:
            text.insert(place, text.substr(place, length));
            break;
        default:
            text.insert(place, length, '9');
        }
    }
    return text;
}

} // namespace pipebd::schedule::test
