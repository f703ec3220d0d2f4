// FoldedProgram: a program that writes down once what several devices do alike.
//
// Devices that repeat the same instructions on equal parts of a batch and exchange nothing but all-reduces and barriers do the same
// at the same time. One of them, the model, has the instructions; the others are its copies. What a copy does is the model's list
// with its own share in place of each shard's index. A program of 1,024 devices that train data-parallel is so as small as that of
// one, and takes as long to simulate.
#pragma once

#include "schedule/costs.h"
#include "schedule/instructions.h"
#include "schedule/program.h"
#include "schedule/schedule.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace pipebd::schedule {

/// How a device takes part in a folded program.
struct Role {
    int model = 0; // the device whose lists are its own too; itself if it has its own
    int share = 0; // of a copy: the index of all its shards
};

struct FoldedProgram {
    Program program; // the lists of copies are empty
    std::vector<Role> roles; // by device

    FoldedProgram() = default;

    /// Nothing folded.
    FoldedProgram(Program unfolded); // NOLINT: a program is one

    int devices() const { return program.devices(); }
    bool is_copy(int device) const { return roles[static_cast<std::size_t>(device)].model != device; }
};

/// Makes the devices of `stage` behind the first copies of it, each with its place in the stage as its share.
void fold(FoldedProgram& folded, const Stage& stage);

/// The program that is meant, all its lists written down.
Program unfold(const FoldedProgram& folded);

/// The same program, in which devices are copies only of what costs the same and holds the same on the devices of `costs`: of the
/// same speed, with as many rows, without a Send or Receive, in groups to which all copies belong. Nothing if `folded` is such a
/// one already.
std::optional<FoldedProgram> refined(const FoldedProgram& folded, const Costs& costs);

/// Calls `visit` with each instruction of `op` and the shares of all devices that have it.
void for_each(const FoldedProgram& folded, Op op,
    const std::function<void(const Instruction& instruction, const std::vector<int>& shares)>& visit);

/// Whether any device has an instruction of `op`.
bool has(const Program& program, Op op);

} // namespace pipebd::schedule
