#include "engine/training/values.h"

#include "base/error.h"

#include <ATen/ops/cat.h>

#include <algorithm>

namespace pipebd::engine {

using schedule::Instruction;
using schedule::Rows;
using schedule::Value;

void Values::put(const Value& value, std::int64_t batch, Rows rows, at::Tensor tensor, std::unique_ptr<Pending> pending)
{
    values_[{value, batch}].push_back({rows, std::move(tensor), std::move(pending)});
}

void Values::wait_for(const Value& value, std::int64_t batch)
{
    auto found = values_.find({value, batch});
    if (found == values_.end())
        return;
    for (Piece& piece : found->second) {
        if (piece.pending) {
            piece.pending->wait();
            piece.pending.reset();
        }
    }
}

at::Tensor Values::get(const Value& value, std::int64_t batch, Rows rows)
{
    wait_for(value, batch);
    std::vector<std::pair<int, at::Tensor>> found;
    int rows_found = 0;
    for (const Piece& piece : values_[{value, batch}]) {
        Rows common = intersection(piece.rows, rows);
        if (common.size() == 0)
            continue;
        if (common == piece.rows && common == rows)
            return piece.tensor;
        found.emplace_back(common.begin, piece.tensor.narrow(0, common.begin - piece.rows.begin, common.size()));
        rows_found += common.size();
    }
    if (rows_found != rows.size())
        throw Error(Code::Internal, "an instruction needs rows that no earlier instruction provided",
            "block " + std::to_string(value.block), "please report it");
    if (found.size() == 1)
        return found.front().second;
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<at::Tensor> parts;
    for (auto& [begin, tensor] : found)
        parts.push_back(std::move(tensor));
    return at::cat(parts);
}

void Values::drop(const Value& value, std::int64_t batch)
{
    values_.erase({value, batch});
}

std::vector<std::vector<Value>> last_uses(const std::vector<Instruction>& instructions, const schedule::Training& training)
{
    // Of all that touch a value of one batch, the one that works least far ahead runs last; among those, the last in the list.
    std::map<Value, std::size_t> last;
    auto touch = [&](const Value& value, std::size_t index) {
        auto [entry, is_new] = last.emplace(value, index);
        if (!is_new && instructions[index].ahead <= instructions[entry->second].ahead)
            entry->second = index;
    };
    for (std::size_t i = 0; i < instructions.size(); ++i) {
        for (const Value& made : schedule::made_by(instructions[i], training))
            touch(made, i);
        for (const schedule::Need& need : schedule::needed_by(instructions[i], training))
            if (!need.held)
                touch(need.value, i);
    }
    std::vector<std::vector<Value>> result(instructions.size());
    for (const auto& [value, index] : last)
        result[index].push_back(value);
    return result;
}

} // namespace pipebd::engine
