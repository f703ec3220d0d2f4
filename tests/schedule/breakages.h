// Breakages: ways to break a program that trains, one at a time, each known to break it by what the instructions mean.
#pragma once

#include "schedule/program.h"
#include "schedule/random_profile.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule::test {

using List = std::vector<Instruction>;

/// One instruction of a program, and what is needed to judge it.
struct Spot {
    Program& program;
    Phase& phase;
    List& list;
    std::size_t index;
    Random& random;

    Instruction& at() const { return list[index]; }
    Op op() const { return at().op; }
    bool transfers() const { return op() == Op::Send || op() == Op::Receive; }
    bool passes() const { return op() == Op::TeacherForward || op() == Op::StudentForward || op() == Op::StudentBackward; }
    bool has_block() const { return op() != Op::Load && op() != Op::Loss && op() != Op::Barrier; }

    int count(const std::function<bool(const Instruction&)>& wanted) const
    {
        int found = 0;
        for (const Phase& one : program.phases)
            for (const DeviceProgram& device : one.devices)
                found += static_cast<int>(std::count_if(device.instructions.begin(), device.instructions.end(), wanted));
        return found;
    }
    int count(Op op) const
    {
        return count([op](const Instruction& instruction) { return instruction.op == op; });
    }
    bool anything_ahead() const
    {
        return count([](const Instruction& instruction) { return instruction.ahead != 0; }) > 0;
    }
    int busy_devices() const
    {
        return static_cast<int>(std::count_if(
            phase.devices.begin(), phase.devices.end(), [](const DeviceProgram& device) { return !device.instructions.empty(); }));
    }
};

/// A number of [0, count) other than `than`.
inline int other(Random& random, int than, int count)
{
    return (than + whole(random, 1, count - 1)) % count;
}

/// Whether one more or one less of the instruction breaks the program.
inline bool counts(const Spot& spot)
{
    if (spot.op() == Op::Barrier)
        return spot.busy_devices() > 1;
    return true;
}

inline bool drop(const Spot& spot)
{
    const bool is_the_last = spot.count(spot.op()) == 1;
    if (!counts(spot) || (spot.op() == Op::TeacherUpdate && is_the_last) // a frozen teacher
        || (spot.op() == Op::Loss && is_the_last) // blockwise training
        || (spot.op() == Op::TeacherForward && is_the_last && spot.program.end_to_end())) // training from labels
        return false;
    spot.list.erase(spot.list.begin() + static_cast<std::ptrdiff_t>(spot.index));
    return true;
}

inline bool duplicate(const Spot& spot)
{
    if (!counts(spot))
        return false;
    const Instruction copy = spot.at();
    const auto behind = whole(spot.random, static_cast<int>(spot.index), static_cast<int>(spot.list.size()));
    spot.list.insert(spot.list.begin() + behind, copy);
    return true;
}

/// Whether `user` needs what `maker` makes, whatever the program.
inline bool needs(const Instruction& user, const Instruction& maker, int last_block)
{
    const bool piece = user.microbatch == maker.microbatch && user.view == maker.view;
    const bool block = user.block == maker.block;
    if (user.ahead != maker.ahead)
        return false;
    switch (maker.op) {
    case Op::Load:
        return (user.op == Op::TeacherForward || user.op == Op::StudentForward) && user.block == 0;
    case Op::TeacherForward:
        return user.op == Op::Send && user.payload == Payload::TeacherOutput && block && piece;
    case Op::StudentForward:
        return (user.op == Op::StudentBackward && block && piece)
            || (user.op == Op::Send && user.payload == Payload::StudentOutput && block && piece)
            || (user.op == Op::Loss && maker.block == last_block && (user.parts == 1 || user.part == maker.microbatch));
    case Op::Loss:
        return user.op == Op::StudentBackward && user.block == last_block && (maker.parts == 1 || maker.part == user.microbatch);
    case Op::StudentBackward:
        return (user.op == Op::AllReduce || user.op == Op::Update) && block;
    case Op::AllReduce:
        return user.op == Op::Update && block;
    case Op::Update:
        return user.op == Op::TeacherUpdate && block;
    case Op::Receive:
        return user.op == Op::TeacherForward && maker.payload == Payload::TeacherOutput && user.block == maker.block + 1 && piece;
    default:
        return false;
    }
}

inline bool swap_with_a_user(const Spot& spot)
{
    for (std::size_t user = spot.index + 1; user < spot.list.size(); ++user)
        if (needs(spot.list[user], spot.at(), spot.program.blocks - 1)) {
            std::swap(spot.list[user], spot.list[spot.index]);
            return true;
        }
    return false;
}

inline bool change_peer(const Spot& spot)
{
    const int devices = spot.program.devices();
    if (!spot.transfers() || devices < 3)
        return false;
    const int self
        = static_cast<int>(std::find_if(spot.phase.devices.begin(), spot.phase.devices.end(), [&](const DeviceProgram& device) {
              return &device.instructions == &spot.list;
          }) - spot.phase.devices.begin());
    const int peer = other(spot.random, spot.at().peer, devices);
    if (peer == self)
        return false;
    spot.at().peer = peer;
    return true;
}

inline bool change_block(const Spot& spot)
{
    if (!spot.has_block() || spot.program.blocks < 2)
        return false;
    spot.at().block = other(spot.random, spot.at().block, spot.program.blocks);
    return true;
}

inline bool change_block_to_none(const Spot& spot)
{
    if (!spot.has_block())
        return false;
    spot.at().block = whole(spot.random, 0, 1) == 0 ? -1 : spot.program.blocks;
    return true;
}

inline bool change_microbatch(const Spot& spot)
{
    if ((!spot.passes() && !spot.transfers()) || spot.program.microbatches < 2)
        return false;
    spot.at().microbatch = other(spot.random, spot.at().microbatch, spot.program.microbatches);
    return true;
}

inline bool change_view(const Spot& spot)
{
    if (!spot.passes() && !spot.transfers())
        return false;
    spot.at().view = 1 - spot.at().view;
    return true;
}

inline bool change_payload(const Spot& spot)
{
    if (!spot.transfers())
        return false;
    spot.at().payload = static_cast<Payload>(other(spot.random, static_cast<int>(spot.at().payload), 3));
    return true;
}

inline bool change_part(const Spot& spot)
{
    if (spot.op() != Op::StudentBackward && !spot.transfers() && !(spot.op() == Op::Loss && spot.at().parts > 1))
        return false;
    if (spot.at().parts == 1)
        spot.at().parts = 2;
    else
        spot.at().part = other(spot.random, spot.at().part, spot.at().parts);
    return true;
}

inline bool make_whole(const Spot& spot)
{
    if (spot.at().parts == 1)
        return false;
    spot.at().part = 0;
    spot.at().parts = 1;
    return true;
}

/// Of a batch that is not there yet, or the weights of a batch too late. A teacher with room ahead may well run less far ahead.
inline bool change_ahead(const Spot& spot)
{
    const int by = whole(spot.random, 0, 1) == 0 ? -1 : 1;
    if (spot.anything_ahead() || spot.op() == Op::Barrier || (spot.op() == Op::Load && by > 0))
        return false;
    spot.at().ahead += by;
    return true;
}

inline bool change_group(const Spot& spot)
{
    if (spot.op() != Op::AllReduce)
        return false;
    std::vector<int>& group = spot.at().group;
    const int device = whole(spot.random, 0, spot.program.devices() - 1);
    const auto place = std::lower_bound(group.begin(), group.end(), device);
    if (place != group.end() && *place == device)
        group.erase(place);
    else
        group.insert(place, device);
    return true;
}

inline bool change_shard(const Spot& spot)
{
    if (!spot.passes() && !spot.transfers() && spot.op() != Op::Load && spot.op() != Op::Loss)
        return false;
    Shard& shard = spot.at().shard;
    if (shard.count == 1)
        shard = {whole(spot.random, 0, 1), 2};
    else
        shard.index = other(spot.random, shard.index, shard.count);
    return true;
}

inline bool change_peer_shard(const Spot& spot)
{
    if (!spot.transfers())
        return false;
    Shard& shard = spot.at().peer_shard;
    if (shard.count == 1)
        shard = {whole(spot.random, 0, 1), 2};
    else
        shard.index = other(spot.random, shard.index, shard.count);
    return true;
}

/// The other device comes to its Barrier, or gives the gradient that this one waits for, only after what is sent here.
inline bool deadlock(const Spot& spot)
{
    if (spot.op() != Op::Send || spot.at().payload == Payload::StudentGradient || spot.anything_ahead())
        return false;
    const bool gradient_answers = spot.at().payload == Payload::StudentOutput;
    for (std::size_t behind = spot.list.size(); behind-- > spot.index + 1;) {
        const Instruction& held = spot.list[behind];
        const bool waits = held.op == Op::Barrier
            || (gradient_answers && held.op == Op::StudentBackward && held.block == spot.at().block
                && held.microbatch == spot.at().microbatch && held.view == spot.at().view);
        if (!waits)
            continue;
        std::rotate(spot.list.begin() + static_cast<std::ptrdiff_t>(spot.index),
            spot.list.begin() + static_cast<std::ptrdiff_t>(spot.index) + 1,
            spot.list.begin() + static_cast<std::ptrdiff_t>(behind) + 1);
        return true;
    }
    return false;
}

struct Breakage {
    const char* name;
    bool (*damage)(const Spot& spot);

    /// Breaks an instruction picked by chance; nothing if none of some that are tried can be broken so.
    std::optional<Op> apply(Program& program, Random& random) const
    {
        for (int attempt = 0; attempt < 20; ++attempt) {
            Phase& phase = program.phases[static_cast<std::size_t>(whole(random, 0, static_cast<int>(program.phases.size()) - 1))];
            List& list = phase.devices[static_cast<std::size_t>(whole(random, 0, program.devices() - 1))].instructions;
            if (list.empty())
                continue;
            const auto index = static_cast<std::size_t>(whole(random, 0, static_cast<int>(list.size()) - 1));
            const Op op = list[index].op;
            if (damage({program, phase, list, index, random}))
                return op;
        }
        return std::nullopt;
    }
};

inline constexpr Breakage breakages[]{
    {"drop", drop},
    {"duplicate", duplicate},
    {"swap with a user", swap_with_a_user},
    {"another peer", change_peer},
    {"another block", change_block},
    {"a block that there is not", change_block_to_none},
    {"another microbatch", change_microbatch},
    {"another view", change_view},
    {"another payload", change_payload},
    {"another part", change_part},
    {"whole instead of a part", make_whole},
    {"another batch", change_ahead},
    {"another group", change_group},
    {"another shard", change_shard},
    {"another shard of the peer", change_peer_shard},
    {"deadlock", deadlock},
};

} // namespace pipebd::schedule::test
