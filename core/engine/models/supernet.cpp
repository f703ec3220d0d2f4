#include "engine/models/supernet.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>
#include <ATen/record_function.h>

#include <algorithm>

namespace pipebd::engine {

namespace {

constexpr double initial_deviation = 1e-3; // of architecture parameters

} // namespace

SupernetCell::SupernetCell(TensorMaker maker, std::string name, int block, int index, int in, int out, int stride)
    : maker_(std::move(maker))
    , block_(block)
    , index_(index)
{
    cell_.name = std::move(name);
    for (int kernel : {3, 5, 7}) {
        for (int expansion : {3, 6}) {
            const std::string candidate
                = "mbconv_" + std::to_string(kernel) + "x" + std::to_string(kernel) + "_e" + std::to_string(expansion);
            const std::size_t begin = maker_.parameters_made();
            auto layer = std::make_unique<InvertedResidual>(maker_.part(candidate),
                InvertedResidual::Shape{.in = in, .out = out, .stride = stride, .kernel = kernel, .expansion = expansion});
            candidates_.push_back({maker_.part(candidate).prefix(), std::move(layer), begin, maker_.parameters_made()});
            cell_.candidates.push_back(candidate);
        }
    }
    if (stride == 1 && in == out) {
        candidates_.push_back({});
        cell_.candidates.push_back("zero");
    }
}

void SupernetCell::add_architecture_parameter()
{
    architecture_ = maker_.normal("architecture", {static_cast<std::int64_t>(candidates_.size())}, initial_deviation);
}

const std::vector<double>& SupernetCell::probabilities() const
{
    if (!architecture_.defined())
        return probabilities_.values;
    const void* const memory = architecture_.const_data_ptr();
    if (probabilities_.of != memory || probabilities_.version != architecture_._version()) {
        const at::Tensor values = at::softmax(architecture_.detach().to(at::kCPU, at::kDouble), 0);
        const double* const first = values.const_data_ptr<double>();
        probabilities_ = {{first, first + values.numel()}, memory, architecture_._version()};
    }
    return probabilities_.values;
}

int SupernetCell::path(const Context& context) const
{
    if (chosen_)
        return *chosen_;
    const std::uint64_t bits = draw({context.seed, static_cast<std::uint64_t>(context.step), static_cast<std::uint64_t>(block_),
        static_cast<std::uint64_t>(index_), coordinate("path")});
    const std::vector<double>& shares = probabilities();
    if (shares.empty())
        return static_cast<int>(below(candidates_.size(), bits));
    double place = static_cast<double>(bits >> 11) * 0x1p-53; // in [0, 1)
    for (std::size_t candidate = 0; candidate + 1 < shares.size(); ++candidate) {
        if (place < shares[candidate])
            return static_cast<int>(candidate);
        place -= shares[candidate];
    }
    return static_cast<int>(shares.size()) - 1;
}

at::Tensor SupernetCell::forward(const at::Tensor& input, const Context& context)
{
    RECORD_USER_SCOPE(cell_.name);
    const auto candidate = static_cast<std::size_t>(path(context));
    return context.architecture && architecture_.defined() ? forward_with_gates(input, context, candidate)
                                                           : candidates_[candidate].forward(input, context);
}

std::vector<Description> SupernetCell::description() const
{
    if (!chosen_)
        throw Error(Code::BadRequest, "a cell whose candidate is sampled at every step cannot be described", maker_.name(),
            "choose a candidate for it");
    const auto chosen = static_cast<std::size_t>(*chosen_);
    Description cell{.type = "cell", .name = maker_.name(), .arguments = {{"chosen", cell_.candidates[chosen]}}, .parts = {{}}};
    if (candidates_[chosen].layer)
        cell.parts[0] = candidates_[chosen].layer->description();
    return {cell};
}

at::Tensor SupernetCell::Candidate::forward(const at::Tensor& input, const Context& context) const
{
    return layer ? layer->forward(input, context) : input;
}

at::Tensor SupernetCell::forward_with_gates(const at::Tensor& input, const Context& context, std::size_t path)
{
    const at::Tensor shares = at::softmax(architecture_, 0);
    const at::Tensor gates = shares - shares.detach(); // 0 each: beside the output of the path they add gradients alone
    at::Tensor output;
    std::vector<at::Tensor> gated;
    for (std::size_t candidate = 0; candidate < candidates_.size(); ++candidate) {
        const at::Tensor gate = gates[static_cast<std::int64_t>(candidate)];
        if (candidate == path) {
            output = candidates_[candidate].forward(input, context);
            gated.push_back(output.detach() * gate);
        } else {
            const at::Tensor other = [&] {
                at::NoGradGuard no_grad;
                return candidates_[candidate].forward(input, context);
            }();
            gated.push_back(other * gate);
        }
    }
    for (const at::Tensor& share : gated)
        output = output + share;
    return output;
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
    if (architecture_.defined())
        gone.push_back(maker_.prefix() + "architecture");
    architecture_ = at::Tensor();
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
    if (context.architecture)
        return architecture_;
    std::vector<std::size_t> active;
    for (std::size_t parameter = 0; parameter < parameters().size(); ++parameter) {
        if (std::ranges::none_of(cells_, [&](const SupernetCell* cell) { return cell->idle(parameter, cell->path(context)); })
            && std::ranges::find(architecture_, parameter) == architecture_.end())
            active.push_back(parameter);
    }
    return active;
}

void SupernetBlock::add_architecture_parameters()
{
    for (SupernetCell* cell : cells_) {
        architecture_.push_back(parameters().size());
        cell->add_architecture_parameter();
    }
}

std::vector<Block::Cell> SupernetBlock::cells() const
{
    std::vector<Cell> cells;
    for (const SupernetCell* cell : cells_) {
        cells.push_back(cell->cell());
        cells.back().probabilities = cell->probabilities();
    }
    return cells;
}

std::string SupernetBlock::where() const
{
    return "block " + std::to_string(block_);
}

void SupernetBlock::require_one_a_cell(std::size_t choices) const
{
    if (choices != cells_.size())
        throw Error(Code::BadRequest, std::to_string(choices) + " candidates were chosen", where(),
            "choose one for each of the " + std::to_string(cells_.size()) + " cells");
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
    architecture_.clear();
}

} // namespace pipebd::engine
