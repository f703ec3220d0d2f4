#include "schedule/data_flow.h"

#include "base/error.h"
#include "schedule/compiled_phase.h"

#include <cstdint>

namespace pipebd::schedule {

using Pieces = Need::Pieces;

namespace {

constexpr int every_microbatch = -1;

bool parts_overlap(const Instruction& a, const Instruction& b)
{
    const auto begins_before_end = [](const Instruction& one, const Instruction& other) {
        return std::int64_t{one.part} * other.parts < std::int64_t{other.part + 1} * one.parts;
    };
    return begins_before_end(a, b) && begins_before_end(b, a);
}

/// Of which microbatch a value is that `maker` makes.
int microbatch_of(const Instruction& maker, const Value& value)
{
    if (maker.op == Op::Loss)
        return maker.parts == 1 ? every_microbatch : maker.part;
    const bool whole
        = maker.op == Op::Load || value.kind == Value::Kind::BlockGradients || value.kind == Value::Kind::SummedGradients;
    return whole ? every_microbatch : maker.microbatch;
}

} // namespace

DataFlow::DataFlow(const Program& program, std::size_t phase, std::size_t device, const Training& training)
    : program_(program)
    , phase_(phase)
    , device_(device)
    , instructions_(program.phases[phase].devices[device].instructions)
    , training_(training)
{
    for (std::size_t index = 0; index < instructions_.size(); ++index)
        for (const Value& value : made_by(instructions_[index], training_))
            makers_[{value, microbatch_of(instructions_[index], value)}].push_back(index);
}

bool DataFlow::precedes(std::size_t a, std::size_t b) const
{
    const int ahead_a = instructions_[a].ahead;
    const int ahead_b = instructions_[b].ahead;
    return ahead_a > ahead_b || (ahead_a == ahead_b && a < b);
}

void DataFlow::add_before(const Piece& piece, std::size_t index, std::vector<std::size_t>& found) const
{
    const auto makers = makers_.find(piece);
    if (makers == makers_.end())
        return;
    for (std::size_t maker : makers->second) {
        const Instruction& made = instructions_[maker];
        // The parts of a loss, of what makes it and of what needs it, are microbatches.
        const bool same_part
            = made.op == Op::Loss || instructions_[index].op == Op::Loss || parts_overlap(made, instructions_[index]);
        if (same_part && precedes(maker, index))
            found.push_back(maker);
    }
}

void DataFlow::add_sources(std::size_t index, const Need& need, std::vector<std::size_t>& found) const
{
    const Instruction& user = instructions_[index];
    add_before({need.value, every_microbatch}, index, found);
    if (need.pieces == Pieces::Same)
        add_before({need.value, user.microbatch}, index, found);
    if (need.pieces != Pieces::Batch)
        return;
    const int begin = user.parts == 1 ? 0 : user.part;
    const int end = user.parts == 1 ? program_.microbatches : begin + 1;
    for (int microbatch = begin; microbatch < end; ++microbatch) {
        const std::size_t before = found.size();
        add_before({need.value, microbatch}, index, found);
        if (found.size() == before && need.required)
            nothing_brings(describe(need.value, 1) + ", microbatch " + std::to_string(microbatch), index);
    }
}

std::vector<std::size_t> DataFlow::sources(std::size_t index) const
{
    std::vector<std::size_t> found;
    for (const Need& need : needed_by(instructions_[index], training_)) {
        const std::size_t before = found.size();
        add_sources(index, need, found);
        if (found.size() == before && need.required)
            nothing_brings(describe(need.value, 1), index);
    }
    return found;
}

std::vector<std::size_t> DataFlow::sources(std::size_t index, const Need& need) const
{
    std::vector<std::size_t> found;
    add_sources(index, need, found);
    return found;
}

void DataFlow::nothing_brings(const std::string& what, std::size_t index) const
{
    throw Error(Code::BadRequest, "it waits for " + what + ", which no earlier instruction on its device makes or receives",
        place_of(program_, phase_, device_, index), "correct the program");
}

} // namespace pipebd::schedule
