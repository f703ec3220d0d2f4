#include "engine/supernet.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

#include <ATen/record_function.h>

#include <algorithm>

namespace pipebd::engine {

SupernetCell::SupernetCell(TensorMaker maker, std::string name, int block, int index, int in, int out, int stride)
    : name_(maker.name())
    , block_(block)
    , index_(index)
{
    cell_.name = std::move(name);
    for (int kernel : {3, 5, 7}) {
        for (int expansion : {3, 6}) {
            const std::string candidate
                = "mbconv_" + std::to_string(kernel) + "x" + std::to_string(kernel) + "_e" + std::to_string(expansion);
            const std::size_t begin = maker.parameters_made();
            auto layer = std::make_unique<InvertedResidual>(maker.part(candidate),
                InvertedResidual::Shape{.in = in, .out = out, .stride = stride, .kernel = kernel, .expansion = expansion});
            candidates_.push_back({maker.part(candidate).prefix(), std::move(layer), begin, maker.parameters_made()});
            cell_.candidates.push_back(candidate);
        }
    }
    if (stride == 1 && in == out) {
        candidates_.push_back({});
        cell_.candidates.push_back("zero");
    }
}

int SupernetCell::path(const Context& context) const
{
    if (chosen_)
        return *chosen_;
    const std::uint64_t bits = draw({context.seed, static_cast<std::uint64_t>(context.step), static_cast<std::uint64_t>(block_),
        static_cast<std::uint64_t>(index_), coordinate("path")});
    return static_cast<int>(below(candidates_.size(), bits));
}

at::Tensor SupernetCell::forward(const at::Tensor& input, const Context& context)
{
    RECORD_USER_SCOPE(cell_.name);
    const std::unique_ptr<Layer>& layer = candidates_[static_cast<std::size_t>(path(context))].layer;
    return layer ? layer->forward(input, context) : input;
}

std::vector<Description> SupernetCell::description() const
{
    if (!chosen_)
        throw Error(Code::BadRequest, "a cell whose candidate is drawn at every step cannot be described", name_,
            "choose a candidate for it");
    const auto chosen = static_cast<std::size_t>(*chosen_);
    Description cell{.type = "cell", .name = name_, .arguments = {{"chosen", cell_.candidates[chosen]}}, .parts = {{}}};
    if (candidates_[chosen].layer)
        cell.parts[0] = candidates_[chosen].layer->description();
    return {cell};
}

bool SupernetCell::idle(std::size_t parameter, int path) const
{
    const Candidate& used = candidates_[static_cast<std::size_t>(path)];
    const bool mine = std::ranges::any_of(
        candidates_, [&](const Candidate& candidate) { return parameter >= candidate.begin && parameter < candidate.end; });
    return mine && !(parameter >= used.begin && parameter < used.end);
}

std::vector<std::string> SupernetCell::keep(int candidate)
{
    const auto kept = static_cast<std::size_t>(candidate);
    std::vector<std::string> gone;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
        if (i == kept || !candidates_[i].layer)
            continue;
        gone.push_back(candidates_[i].prefix);
        candidates_[i].layer.reset();
    }
    chosen_ = candidate;
    return gone;
}

void SupernetBlock::add_cell(const TensorMaker& maker, int in, int out, int stride)
{
    const int index = static_cast<int>(cells_.size());
    const std::string name = "cells." + std::to_string(index);
    auto cell = std::make_unique<SupernetCell>(maker.part(name), name, block_, index, in, out, stride);
    cells_.push_back(cell.get());
    add(std::move(cell));
}

std::vector<std::size_t> SupernetBlock::active_parameters(const Context& context) const
{
    std::vector<std::size_t> active;
    for (std::size_t parameter = 0; parameter < parameters().size(); ++parameter) {
        if (std::ranges::none_of(cells_, [&](const SupernetCell* cell) { return cell->idle(parameter, cell->path(context)); }))
            active.push_back(parameter);
    }
    return active;
}

std::vector<Block::Cell> SupernetBlock::cells() const
{
    std::vector<Cell> cells;
    for (const SupernetCell* cell : cells_)
        cells.push_back(cell->cell());
    return cells;
}

std::string SupernetBlock::where() const
{
    return "block " + std::to_string(block_);
}

void SupernetBlock::require_one_a_cell(std::size_t choices) const
{
    if (choices != cells_.size())
        throw Error(Code::BadRequest, "a choice of " + std::to_string(choices) + " candidates", where(),
            "choose one for each of its " + std::to_string(cells_.size()) + " cells");
}

void SupernetBlock::choose(std::vector<int> candidates)
{
    if (!candidates.empty())
        require_one_a_cell(candidates.size());
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const std::size_t count = cells_[i]->cell().candidates.size();
        if (candidates[i] < 0 || static_cast<std::size_t>(candidates[i]) >= count)
            throw Error(Code::BadRequest, "there is no candidate " + std::to_string(candidates[i]),
                where() + ", cell " + std::to_string(i), "choose one from 0 to " + std::to_string(count - 1));
    }
    for (std::size_t i = 0; i < cells_.size(); ++i)
        cells_[i]->choose(candidates.empty() ? std::nullopt : std::optional<int>(candidates[i]));
}

void SupernetBlock::derive(const std::vector<std::string>& chosen)
{
    require_one_a_cell(chosen.size());
    std::vector<int> candidates;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        const std::vector<std::string>& names = cells_[i]->cell().candidates;
        const auto found = std::ranges::find(names, chosen[i]);
        const std::vector<std::string_view> known(names.begin(), names.end());
        if (found == names.end())
            throw Error(Code::BadRequest, "there is no candidate " + in_quotes(chosen[i]), where() + ", cell " + std::to_string(i),
                "choose one of: " + joined(known));
        candidates.push_back(static_cast<int>(found - names.begin()));
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        for (const std::string& prefix : cells_[i]->keep(candidates[i])) {
            const auto is_gone = [&](const NamedTensor& named) { return named.name.starts_with(prefix); };
            std::erase_if(parameters_, is_gone);
            std::erase_if(buffers_, is_gone);
        }
    }
    cells_.clear();
}

} // namespace pipebd::engine
