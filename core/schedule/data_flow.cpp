#include "schedule/data_flow.h"

#include "base/error.h"
#include "schedule/compiled_phase.h"

#include <algorithm>
#include <cstdint>

namespace pipebd::schedule {

namespace {

std::string describe(Payload payload, int block)
{
    const std::string of = " of block " + std::to_string(block);
    switch (payload) {
    case Payload::TeacherOutput:
        return "the teacher's output" + of;
    case Payload::StudentOutput:
        return "the student's output" + of;
    case Payload::StudentGradient:
        break;
    }
    return "the gradient of the student's output" + of;
}

bool parts_overlap(const Instruction& a, const Instruction& b)
{
    const auto begins_before_end = [](const Instruction& one, const Instruction& other) {
        return std::int64_t{one.part} * other.parts < std::int64_t{other.part + 1} * one.parts;
    };
    return begins_before_end(a, b) && begins_before_end(b, a);
}

} // namespace

Training training_of(const Phase& phase, bool end_to_end)
{
    Training training;
    training.end_to_end = end_to_end;
    for (const DeviceProgram& device : phase.devices)
        for (const Instruction& instruction : device.instructions)
            training.taught = training.taught || instruction.op == Op::TeacherForward;
    return training;
}

DataFlow::DataFlow(const Program& program, std::size_t phase, std::size_t device, Training training)
    : program_(program)
    , phase_(phase)
    , device_(device)
    , instructions_(program.phases[phase].devices[device].instructions)
    , training_(training)
{
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
        const Instruction& made = instructions_[i];
        const auto produces = [&](Payload payload, int block) {
            producers_[{payload, block, made.microbatch, made.view}].push_back(i);
        };
        switch (made.op) {
        case Op::Load:
            loads_.push_back(i);
            break;
        case Op::Receive:
            produces(made.payload, made.block);
            break;
        case Op::TeacherForward:
            produces(Payload::TeacherOutput, made.block);
            break;
        case Op::StudentForward:
            produces(Payload::StudentOutput, made.block);
            break;
        case Op::StudentBackward:
            backwards_[made.block].push_back(i);
            if (training_.end_to_end)
                produces(Payload::StudentGradient, made.block - 1);
            break;
        case Op::Loss:
            losses_.push_back(i);
            break;
        case Op::AllReduce:
            all_reduces_[made.block].push_back(i);
            break;
        case Op::Send:
        case Op::Update:
        case Op::TeacherUpdate:
        case Op::Barrier:
            break;
        }
    }
}

bool DataFlow::precedes(std::size_t a, std::size_t b) const
{
    const int ahead_a = instructions_[a].ahead;
    const int ahead_b = instructions_[b].ahead;
    return ahead_a > ahead_b || (ahead_a == ahead_b && a < b);
}

void DataFlow::add_before(const std::vector<std::size_t>& candidates, std::size_t index, std::vector<std::size_t>& found) const
{
    std::copy_if(
        candidates.begin(), candidates.end(), std::back_inserter(found), [&](std::size_t i) { return precedes(i, index); });
}

void DataFlow::need(Payload payload, int block, std::size_t index, std::vector<std::size_t>& found) const
{
    const Instruction& user = instructions_[index];
    const std::size_t before = found.size();
    const auto producers = producers_.find({payload, block, user.microbatch, user.view});
    if (producers != producers_.end())
        for (std::size_t i : producers->second)
            if (precedes(i, index) && (payload != Payload::StudentGradient || parts_overlap(instructions_[i], user)))
                found.push_back(i);
    if (payload == Payload::StudentGradient && block == program_.blocks - 1)
        for (std::size_t i : losses_)
            if (precedes(i, index) && (instructions_[i].parts == 1 || instructions_[i].part == user.microbatch))
                found.push_back(i);
    if (found.size() == before)
        nothing_brings(describe(payload, block), index);
}

void DataFlow::need_data(std::size_t index, std::vector<std::size_t>& found) const
{
    const std::size_t before = found.size();
    add_before(loads_, index, found);
    if (found.size() == before)
        nothing_brings("the data", index);
}

void DataFlow::need_batch(Payload payload, int block, std::size_t index, std::vector<std::size_t>& found) const
{
    const bool whole = instructions_[index].parts == 1;
    const int begin = whole ? 0 : instructions_[index].part;
    const int end = whole ? program_.microbatches : begin + 1;
    for (int microbatch = begin; microbatch < end; ++microbatch) {
        const std::size_t before = found.size();
        const auto first = producers_.lower_bound({payload, block, microbatch, 0});
        for (auto piece = first; piece != producers_.end() && piece->first < Piece{payload, block, microbatch + 1, 0}; ++piece)
            add_before(piece->second, index, found);
        if (found.size() == before)
            nothing_brings(describe(payload, block) + ", microbatch " + std::to_string(microbatch), index);
    }
}

std::vector<std::size_t> DataFlow::sources(std::size_t index) const
{
    const Instruction& user = instructions_[index];
    const Payload relayed = training_.end_to_end ? Payload::StudentOutput : Payload::TeacherOutput; // into the student's blocks
    const int last = program_.blocks - 1;
    std::vector<std::size_t> found;
    const auto need_input = [&](Payload payload) {
        if (user.block == 0)
            need_data(index, found);
        else
            need(payload, user.block - 1, index, found);
    };
    switch (user.op) {
    case Op::TeacherForward:
        need_input(Payload::TeacherOutput);
        break;
    case Op::StudentForward:
        need_input(relayed);
        if (!training_.end_to_end)
            need(Payload::TeacherOutput, user.block, index, found);
        break;
    case Op::Loss:
        need_batch(Payload::StudentOutput, last, index, found);
        if (training_.taught)
            need_batch(Payload::TeacherOutput, last, index, found);
        break;
    case Op::StudentBackward:
        need_input(relayed);
        need(Payload::StudentOutput, user.block, index, found);
        if (training_.end_to_end)
            need(Payload::StudentGradient, user.block, index, found);
        break;
    case Op::Send:
        need(user.payload, user.block, index, found);
        break;
    case Op::AllReduce: {
        const auto backwards = backwards_.find(user.block);
        if (backwards != backwards_.end())
            add_before(backwards->second, index, found);
        if (found.empty())
            nothing_brings("the gradients of block " + std::to_string(user.block), index);
        break;
    }
    case Op::Update:
        if (const auto all_reduces = all_reduces_.find(user.block); all_reduces != all_reduces_.end())
            add_before(all_reduces->second, index, found);
        break;
    case Op::Load:
    case Op::Receive:
    case Op::TeacherUpdate:
    case Op::Barrier:
        break;
    }
    return found;
}

void DataFlow::nothing_brings(const std::string& what, std::size_t index) const
{
    throw Error(Code::BadRequest, "it waits for " + what + ", which nothing before it on its device makes or receives",
        place_of(program_, phase_, device_, index), "mend the program");
}

} // namespace pipebd::schedule
