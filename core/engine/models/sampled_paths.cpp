#include "engine/models/sampled_paths.h"

#include "base/random.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

namespace pipebd::engine {

std::vector<SampledPath> sample_paths(const std::vector<Block::Cell>& cells, std::uint64_t seed)
{
    std::vector<std::vector<std::size_t>> orders;
    std::size_t scale = 1;
    for (const Block::Cell& cell : cells) {
        orders.push_back(permutation(cell.candidates.size(), draw({seed, coordinate("sampled paths"), orders.size()})));
        scale = std::lcm(scale, cell.candidates.size());
    }

    // A place in [0, 1) chooses candidate floor(place * n) of a cell's n; between two of the cells' boundaries nothing changes.
    std::set<std::size_t> boundaries{0, scale};
    for (const std::vector<std::size_t>& order : orders) {
        for (std::size_t i = 1; i < order.size(); ++i)
            boundaries.insert(i * scale / order.size());
    }
    std::vector<SampledPath> paths;
    for (auto begin = boundaries.begin(), end = std::next(begin); end != boundaries.end(); begin = end++) {
        SampledPath path;
        path.weight = static_cast<double>(*end - *begin) / static_cast<double>(scale);
        for (const std::vector<std::size_t>& order : orders)
            path.candidates.push_back(static_cast<int>(order[*begin * order.size() / scale]));
        paths.push_back(std::move(path));
    }
    return paths;
}

std::vector<SampledPath> uniform_paths(const std::vector<Block::Cell>& cells)
{
    std::size_t most = 1;
    for (const Block::Cell& cell : cells)
        most = std::max(most, cell.candidates.size());
    std::vector<SampledPath> paths(most);
    for (std::size_t p = 0; p < most; ++p) {
        paths[p].weight = 1 / static_cast<double>(most);
        for (const Block::Cell& cell : cells)
            paths[p].candidates.push_back(static_cast<int>(std::min(p, cell.candidates.size() - 1)));
    }
    return paths;
}

} // namespace pipebd::engine
