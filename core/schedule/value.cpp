#include "schedule/value.h"

#include <algorithm>

namespace pipebd::schedule {

using Kind = Value::Kind;
using Pieces = Need::Pieces;

namespace {

int views_of(const Program& program)
{
    int last = 0;
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                last = std::max(last, instruction.view);
    return std::min(last, 1) + 1;
}

/// What block `block` of a network takes whose outputs are of `kind`.
Value input_of(int block, Kind kind, int view)
{
    return block == 0 ? Value{Kind::Data, 0, view} : Value{kind, block - 1, view};
}

void add_needs_of_loss(Needs& needs, const Training& training)
{
    const int last = training.blocks - 1;
    for (Kind kind : {Kind::StudentOutput, Kind::TeacherOutput})
        for (int view = 0; view < training.views && (kind == Kind::StudentOutput || training.taught); ++view)
            needs.add({{kind, last, view}, Pieces::Batch, false, view == 0});
    if (!training.taught)
        needs.add({{Kind::Labels, 0, 0}, Pieces::Batch, false, false});
}

} // namespace

std::string describe(const Value& value, int views)
{
    const std::string of = " of block " + std::to_string(value.block);
    const std::string view = views > 1 ? ", view " + std::to_string(value.view) : std::string();
    switch (value.kind) {
    case Kind::Data:
        return "the data";
    case Kind::Labels:
        return "the batch of labels";
    case Kind::TeacherOutput:
        return "the teacher's output" + of + view;
    case Kind::StudentOutput:
        return "the student's output" + of + view;
    case Kind::StudentGradient:
        return "the gradient of the student's output" + of + view;
    case Kind::BlockGradients:
    case Kind::SummedGradients:
        break;
    }
    return "the gradients" + of;
}

std::vector<Training> trainings_of(const Program& program)
{
    const Training whole{program.blocks, views_of(program), program.end_to_end(), false};
    std::vector<Training> trainings;
    for (const Phase& phase : program.phases) {
        trainings.push_back(whole);
        trainings.back().taught = std::any_of(phase.devices.begin(), phase.devices.end(), [](const DeviceProgram& device) {
            return std::any_of(device.instructions.begin(), device.instructions.end(),
                [](const Instruction& instruction) { return instruction.op == Op::TeacherForward; });
        });
    }
    return trainings;
}

Value value_of(const Instruction& transfer)
{
    switch (transfer.payload) {
    case Payload::TeacherOutput:
        return {Kind::TeacherOutput, transfer.block, transfer.view};
    case Payload::StudentOutput:
        return {Kind::StudentOutput, transfer.block, transfer.view};
    case Payload::StudentGradient:
        break;
    }
    return {Kind::StudentGradient, transfer.block, transfer.view};
}

Needs needed_by(const Instruction& instruction, const Training& training)
{
    const int block = instruction.block;
    const int view = instruction.view;
    const Kind relayed = training.end_to_end ? Kind::StudentOutput : Kind::TeacherOutput; // into the student's blocks
    Needs needs;
    switch (instruction.op) {
    case Op::TeacherForward:
        needs.add({input_of(block, Kind::TeacherOutput, view)});
        break;
    case Op::StudentForward:
        needs.add({input_of(block, relayed, view)});
        if (!training.end_to_end)
            needs.add({{Kind::TeacherOutput, block, view}});
        break;
    case Op::Loss:
        add_needs_of_loss(needs, training);
        break;
    case Op::StudentBackward:
        needs.add({input_of(block, relayed, view), Pieces::Same, true});
        needs.add({{Kind::StudentOutput, block, view}, Pieces::Same, true});
        if (training.end_to_end)
            needs.add({{Kind::StudentGradient, block, view}});
        break;
    case Op::Send:
        needs.add({value_of(instruction)});
        break;
    case Op::AllReduce:
        needs.add({{Kind::BlockGradients, block, 0}, Pieces::All});
        break;
    case Op::Update:
        needs.add({{Kind::SummedGradients, block, 0}, Pieces::All, false, false});
        break;
    case Op::Load:
    case Op::Receive:
    case Op::TeacherUpdate:
    case Op::Barrier:
        break;
    }
    return needs;
}

Made made_by(const Instruction& instruction, const Training& training)
{
    const int block = instruction.block;
    const int view = instruction.view;
    Made made;
    switch (instruction.op) {
    case Op::Load:
        for (int each = 0; each < training.views; ++each)
            made.add({Kind::Data, 0, each});
        made.add({Kind::Labels, 0, 0});
        break;
    case Op::Receive:
        made.add(value_of(instruction));
        break;
    case Op::TeacherForward:
        made.add({Kind::TeacherOutput, block, view});
        break;
    case Op::StudentForward:
        made.add({Kind::StudentOutput, block, view});
        break;
    case Op::Loss:
        for (int each = 0; each < training.views; ++each)
            made.add({Kind::StudentGradient, training.blocks - 1, each});
        break;
    case Op::StudentBackward:
        made.add({Kind::BlockGradients, block, 0});
        if (training.end_to_end && block > 0)
            made.add({Kind::StudentGradient, block - 1, view});
        break;
    case Op::AllReduce:
        made.add({Kind::SummedGradients, block, 0});
        break;
    case Op::Send:
    case Op::Update:
    case Op::TeacherUpdate:
    case Op::Barrier:
        break;
    }
    return made;
}

} // namespace pipebd::schedule
