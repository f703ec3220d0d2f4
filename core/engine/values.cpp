#include "engine/values.h"

#include "base/error.h"

#include <ATen/ops/cat.h>

#include <algorithm>

namespace pipebd::engine {

using schedule::Instruction;
using schedule::Op;
using schedule::Payload;
using schedule::Rows;
using Kind = ValueName::Kind;

ValueName value_of(const Instruction& transfer)
{
    switch (transfer.payload) {
    case Payload::TeacherOutput:
        return {Kind::TeacherOutput, transfer.block, transfer.view};
    case Payload::StudentOutput:
        return {Kind::StudentOutput, transfer.block, transfer.view};
    case Payload::StudentGradient:
        return {Kind::StudentGradient, transfer.block, transfer.view};
    }
    throw Error(Code::Internal, "a transfer of nothing known", "program");
}

std::vector<ValueName> inputs_of(const Instruction& instruction, int blocks, bool end_to_end)
{
    int block = instruction.block;
    int view = instruction.view;
    auto output_before = [&](Kind kind) { return block == 0 ? ValueName{Kind::Data, 0, view} : ValueName{kind, block - 1, view}; };
    switch (instruction.op) {
    case Op::TeacherForward:
        return {output_before(Kind::TeacherOutput)};
    case Op::StudentForward:
        if (end_to_end)
            return {output_before(Kind::StudentOutput)};
        return {output_before(Kind::TeacherOutput), {Kind::TeacherOutput, block, view}};
    case Op::Loss:
        return {{Kind::StudentOutput, blocks - 1, view}, {Kind::Labels, 0, view}};
    case Op::StudentBackward:
        if (end_to_end)
            return {{Kind::StudentGradient, block, view}};
        return {};
    case Op::Send:
        return {value_of(instruction)};
    default:
        return {};
    }
}

void Values::put(const ValueName& name, std::int64_t batch, Rows rows, at::Tensor tensor, std::unique_ptr<Pending> pending)
{
    values_[{name, batch}].push_back({rows, std::move(tensor), std::move(pending)});
}

void Values::wait_for(const ValueName& name, std::int64_t batch)
{
    auto found = values_.find({name, batch});
    if (found == values_.end())
        return;
    for (Piece& piece : found->second) {
        if (piece.pending) {
            piece.pending->wait();
            piece.pending.reset();
        }
    }
}

at::Tensor Values::get(const ValueName& name, std::int64_t batch, Rows rows)
{
    wait_for(name, batch);
    std::vector<std::pair<int, at::Tensor>> found;
    int rows_found = 0;
    for (const Piece& piece : values_[{name, batch}]) {
        Rows common = intersection(piece.rows, rows);
        if (common.size() == 0)
            continue;
        if (common == piece.rows && common == rows)
            return piece.tensor;
        found.emplace_back(common.begin, piece.tensor.narrow(0, common.begin - piece.rows.begin, common.size()));
        rows_found += common.size();
    }
    if (rows_found != rows.size())
        throw Error(Code::Internal, "an instruction needs rows that no instruction before it brought",
            "block " + std::to_string(name.block), "report this program");
    if (found.size() == 1)
        return found.front().second;
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<at::Tensor> parts;
    for (auto& [begin, tensor] : found)
        parts.push_back(std::move(tensor));
    return at::cat(parts);
}

void Values::drop(const ValueName& name, std::int64_t batch)
{
    values_.erase({name, batch});
}

std::vector<std::vector<ValueName>> last_uses(const std::vector<Instruction>& instructions, int blocks, bool end_to_end)
{
    // Of all that touch a value of one batch, the one that works least far ahead runs last; among those, the last in the list.
    std::map<ValueName, std::size_t> last;
    auto touch = [&](const ValueName& name, std::size_t index) {
        auto [entry, is_new] = last.emplace(name, index);
        if (!is_new && instructions[index].ahead <= instructions[entry->second].ahead)
            entry->second = index;
    };
    for (std::size_t i = 0; i < instructions.size(); ++i) {
        const Instruction& instruction = instructions[i];
        if (instruction.op == Op::TeacherForward)
            touch({Kind::TeacherOutput, instruction.block, instruction.view}, i);
        else if (instruction.op == Op::StudentForward && end_to_end)
            touch({Kind::StudentOutput, instruction.block, instruction.view}, i);
        else if (instruction.op == Op::Load) {
            touch({Kind::Data, 0, instruction.view}, i);
            touch({Kind::Labels, 0, instruction.view}, i);
        }
        for (const ValueName& name : inputs_of(instruction, blocks, end_to_end))
            touch(name, i);
    }
    std::vector<std::vector<ValueName>> result(instructions.size());
    for (const auto& [name, index] : last)
        result[index].push_back(name);
    return result;
}

} // namespace pipebd::engine
