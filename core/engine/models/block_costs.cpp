#include "engine/models/block_costs.h"

#include "engine/models/layer.h"
#include "engine/models/macs.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <iterator>

namespace pipebd::engine {

namespace {

std::unique_ptr<Block> make(const Pair& pair, Network network, std::size_t block)
{
    const int index = static_cast<int>(block);
    return network == Network::Teacher ? pair.make_teacher(index, 0) : pair.make_student(index, 0);
}

at::Tensor one_sample(const Input& input)
{
    std::vector<std::int64_t> shape = input.shape;
    shape.insert(shape.begin(), 1);
    return at::zeros(shape, input.is_text() ? at::kLong : at::kFloat);
}

std::int64_t elements(const Block& block, const std::vector<std::size_t>& parameters)
{
    std::int64_t sum = 0;
    for (std::size_t index : parameters)
        sum += block.parameters()[index].tensor.numel();
    return sum;
}

/// Those of `some` that are not among `others`; both in order.
std::vector<std::size_t> without(const std::vector<std::size_t>& some, const std::vector<std::size_t>& others)
{
    std::vector<std::size_t> rest;
    std::ranges::set_difference(some, others, std::back_inserter(rest));
    return rest;
}

/// `activation`, one sample of the block's input, becomes its output.
BlockCosts costs_of(Block& block, at::Tensor& activation)
{
    const std::vector<Block::Cell> cells = block.cells();
    std::size_t most = 1;
    for (const Block::Cell& cell : cells)
        most = std::max(most, cell.candidates.size());

    BlockCosts costs;
    costs.cells.resize(cells.size());
    at::Tensor output;
    for (std::size_t candidate = 0; candidate < most; ++candidate) { // in every cell that has so many
        std::vector<int> chosen;
        for (const Block::Cell& cell : cells)
            chosen.push_back(static_cast<int>(std::min(candidate, cell.candidates.size() - 1)));
        block.choose(chosen);
        MacCounter counter;
        output = block.forward(activation, Context{});
        costs.fixed.macs = counter.total();
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            const std::int64_t macs = counter.within(cells[cell].name);
            costs.fixed.macs -= macs;
            if (candidate < cells[cell].candidates.size())
                costs.cells[cell].push_back({.macs = macs});
        }
    }
    activation = output;

    // A candidate's own parameters are those that another choice for its cell leaves idle.
    std::vector<int> chosen(cells.size(), 0);
    block.choose(chosen);
    const std::vector<std::size_t> first = block.active_parameters({});
    costs.fixed.parameters = elements(block, first);
    for (std::size_t cell = 0; cell < cells.size(); ++cell) {
        std::vector<std::size_t> last = first;
        for (std::size_t candidate = 1; candidate < cells[cell].candidates.size(); ++candidate) {
            chosen[cell] = static_cast<int>(candidate);
            block.choose(chosen);
            last = block.active_parameters({});
            costs.cells[cell][candidate].parameters = elements(block, without(last, first));
        }
        chosen[cell] = 0;
        costs.cells[cell][0].parameters = elements(block, without(first, last));
        costs.fixed.parameters -= costs.cells[cell][0].parameters;
    }
    block.choose({});
    return costs;
}

template <typename Visit>
void walk(const Pair& pair, Network network, Visit visit)
{
    const Unfilled quickly_made;
    at::NoGradGuard no_grad;
    at::Tensor activation = one_sample(pair.input());
    for (std::size_t block = 0; block < pair.block_names().size(); ++block)
        visit(*make(pair, network, block), activation);
}

std::vector<std::int64_t> sample_shape(const at::Tensor& batch)
{
    return {batch.sizes().begin() + 1, batch.sizes().end()};
}

} // namespace

Cost operator+(const Cost& a, const Cost& b)
{
    return {a.macs + b.macs, a.parameters + b.parameters};
}

Cost BlockCosts::of(std::span<const int> candidates) const
{
    Cost sum = fixed;
    for (std::size_t cell = 0; cell < cells.size(); ++cell)
        sum = sum + cells[cell].at(static_cast<std::size_t>(candidates[cell]));
    return sum;
}

std::int64_t BlockCosts::smallest(std::int64_t Cost::*what) const
{
    std::int64_t sum = fixed.*what;
    for (const std::vector<Cost>& candidates : cells)
        sum += std::ranges::min(candidates, {}, what).*what;
    return sum;
}

std::int64_t BlockCosts::largest(std::int64_t Cost::*what) const
{
    std::int64_t sum = fixed.*what;
    for (const std::vector<Cost>& candidates : cells)
        sum += std::ranges::max(candidates, {}, what).*what;
    return sum;
}

double BlockCosts::mean(std::int64_t Cost::*what) const
{
    auto sum = static_cast<double>(fixed.*what);
    for (const std::vector<Cost>& candidates : cells)
        for (const Cost& candidate : candidates)
            sum += static_cast<double>(candidate.*what) / static_cast<double>(candidates.size());
    return sum;
}

std::vector<BlockFigures> figures_of(const Pair& pair, Network network)
{
    std::vector<BlockFigures> figures;
    walk(pair, network, [&](Block& block, at::Tensor& activation) {
        BlockFigures one;
        one.costs = costs_of(block, activation);
        one.cells = block.cells();
        one.output = sample_shape(activation);
        for (const NamedTensor& named : block.parameters())
            one.parameters += named.tensor.numel();
        one.bytes = bytes_of(block.parameters()) + bytes_of(block.buffers());
        figures.push_back(std::move(one));
    });
    return figures;
}

std::vector<std::vector<std::int64_t>> output_shapes(const Pair& pair, Network network)
{
    std::vector<std::vector<std::int64_t>> shapes;
    walk(pair, network, [&](Block& block, at::Tensor& activation) {
        activation = block.forward(activation, Context{});
        shapes.push_back(sample_shape(activation));
    });
    return shapes;
}

} // namespace pipebd::engine
