// Value: what instructions need and make, by name. The one account of it: who checks, simulates, executes or draws programs asks
// here.
//
// A value belongs to the batch that its instruction works on, and may be made in pieces: some rows, a microbatch, a part at a time.
#pragma once

#include "base/short_list.h"
#include "schedule/program.h"

#include <compare>
#include <string>
#include <vector>

namespace pipebd::schedule {

struct Value {
    enum class Kind {
        Data, // of a view
        Labels, // one for all views
        TeacherOutput, // of a block and a view
        StudentOutput,
        StudentGradient, // of the loss, with respect to the student's output of the block
        BlockGradients, // with respect to the block's parameters, on this device
        SummedGradients, // the same over all devices that train the block
    };
    Kind kind = Kind::Data;
    int block = 0;
    int view = 0;
    auto operator<=>(const Value&) const = default;
};

/// "the teacher's output of block 2", with ", view 1" where a program has several.
std::string describe(const Value& value, int views);

/// What of a program decides what its instructions need and make.
struct Training {
    int blocks = 0;
    int views = 1;
    bool end_to_end = false;
    bool taught = false; // a teacher runs in the phase
};

/// By phase.
std::vector<Training> trainings_of(const Program& program);

/// A value that an instruction needs on its device, for the batch it works on.
struct Need {
    enum class Pieces {
        Same, // of the instruction's rows, microbatch, view and part
        Batch, // of all microbatches, or, for a Loss in parts, of its microbatch
        All, // that the device makes, whatever their rows
    };
    Value value;
    Pieces pieces = Pieces::Same;
    bool held = false; // kept by the forward pass for it, not read again
    bool required = true; // to run; what is not required is taken if it is there
};

using Needs = ShortList<Need, 5>; // a loss: outputs of two networks in two views, and the labels
using Made = ShortList<Value, 3>;

/// What a transfer carries.
Value value_of(const Instruction& transfer);

/// Of a forward pass its input comes first, its target last.
Needs needed_by(const Instruction& instruction, const Training& training);

Made made_by(const Instruction& instruction, const Training& training);

} // namespace pipebd::schedule
